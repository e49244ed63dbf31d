import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { enterChild, identify, keeperOf } from './identity.mjs';

/**
 * A lock between processes that is free as soon as its holder is gone, kill -9 included.
 *
 * Lock files are usually broken by whoever finds them stale, and two who find that at once both get in. Here nobody
 * takes anything away from anybody: each draws a number and waits until every living process with a smaller one is
 * through (Lamport's bakery: https://lamport.azurewebsites.net/pubs/bakery.pdf). A dead process's files are ignored,
 * and since the dead stay dead it does not matter who sweeps them up.
 *
 * @typedef {{ include(pid: number | undefined): void, release(): void }} Lock
 *   `include` makes a child process hold the lock too, should its parent be killed.
 *
 * @param {string} folder
 * @param {{ onWait?: (pid: number) => void }} [options] `onWait` is called once, when the wait becomes noticeable
 * @returns {Promise<Lock>}
 */
export async function acquireLock(folder, { onWait } = {}) {
  const queue = join(folder, 'lock');
  mkdirSync(queue, { recursive: true });
  const ticket = drawTicket(queue);
  let waitedMs = 0;
  for (;;) {
    const pid = whoIsBefore(queue, ticket);
    if (pid === undefined) break;
    if (waitedMs === NOTICEABLE_MS) onWait?.(pid);
    await sleep(POLL_MS);
    waitedMs += POLL_MS;
  }
  const file = join(queue, nameOf(ticket));
  return { include: (pid) => enterChild(file, pid), release: () => rmSync(file, { force: true }) };
}

const POLL_MS = 50;
const NOTICEABLE_MS = 300;

/** @typedef {{ number: number, owner: string }} Ticket number 0: its owner is still choosing one */

/**
 * @param {string} queue
 * @returns {Ticket}
 */
function drawTicket(queue) {
  const owner = /** @type {string} */ (identify(process.pid));
  const choosing = join(queue, nameOf({ number: 0, owner }));
  writeFileSync(choosing, '');
  const number = 1 + Math.max(0, ...list(queue).map((ticket) => ticket.number));
  writeFileSync(join(queue, nameOf({ number, owner })), '');
  rmSync(choosing);
  return { number, owner };
}

/**
 * Looks twice, and in this order: whoever was still choosing in the first look may have got a smaller number than mine,
 * whoever begins to choose after it sees mine and gets a larger one.
 *
 * @param {string} queue
 * @param {Ticket} mine
 * @returns {number | undefined} the pid to wait for
 */
function whoIsBefore(queue, mine) {
  return (
    firstAlive(queue, ({ number, owner }) => number === 0 && owner !== mine.owner) ??
    firstAlive(queue, ({ number, owner }) => number > 0 && (number - mine.number || (owner < mine.owner ? -1 : 0)) < 0)
  );
}

/**
 * @param {string} queue
 * @param {(ticket: Ticket) => boolean} wanted
 */
function firstAlive(queue, wanted) {
  for (const ticket of list(queue).filter(wanted)) {
    const file = join(queue, nameOf(ticket));
    const pid = keeperOf(file, ticket.owner);
    if (pid !== undefined) return pid;
    rmSync(file, { force: true });
  }
  return undefined;
}

/**
 * @param {string} queue
 * @returns {Ticket[]}
 */
function list(queue) {
  return readdirSync(queue).map((name) => {
    const [number, ...owner] = name.split('.');
    return { number: Number(number), owner: owner.join('.') };
  });
}

/** @param {Ticket} ticket */
function nameOf({ number, owner }) {
  return `${number}.${owner}`;
}
