import { randomInt } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Call, drawCall, entryOf, type Shelf } from './calls.ts';
import { type Entry, isOpen } from './log.ts';
import { type Reply, send } from './send.ts';

/*
 * A client in a process of its own: calls without a pause over several connections, and appends each answer to its log
 * before it makes the next call. When the service is gone it waits to be told where it is again.
 */

export interface ClientOptions {
  log: string;
  connections: number;
  /** A key of all scopes. */
  apiKey: string;
  /** A key that may only read memories. */
  readerKey: string;
}

/** What the client is told: where the service is, or to end once no keyed call is open. */
export type Order = { url: string } | { end: true };
/** What it tells from time to time: how many answers it has. */
export interface Progress {
  answers: number;
}

/** The memories that a caller changes and reads are its latest. */
const SHELF_MAX = 20;
const PROGRESS_MS = 25;

async function main(options: ClientOptions): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const service = hearOfService();
  let answers = 0;

  const tell = setInterval(() => process.send?.({ answers } satisfies Progress), PROGRESS_MS);
  const log = (entry: Entry) => {
    appendFileSync(options.log, `${JSON.stringify(entry)}\n`);
    if (entry.status !== undefined) answers++;
  };

  /** Makes a call and logs what came of it. */
  async function make(call: Call): Promise<Entry> {
    const place = await service.place();
    const reply = await ask(call, place.url);
    if (!reply) place.gone = true;
    const entry = entryOf(call, reply);
    log(entry);
    if (entry.status === 503) await delay(20);
    return entry;
  }

  async function ask(call: Call, url: string): Promise<Reply | undefined> {
    const key = call.reader ? options.readerKey : options.apiKey;
    return send(agent, url, key, call.request, call.idempotencyKey).catch(() => undefined);
  }

  async function callOn(caller: number): Promise<void> {
    const shelf: Shelf = [];
    for (let n = 0; !service.ending(); n++) {
      const call = drawCall(shelf, `memory ${n} of caller ${caller} of process ${process.pid}`);
      let entry = await make(call);
      // What was asked under a key is asked again until it is answered; every other time once more for nothing.
      while (call.idempotencyKey && isOpen(entry)) entry = await make(call);
      if (call.idempotencyKey && randomInt(2) === 0) await make(call);
      keep(shelf, entry);
    }
  }

  await Promise.all(Array.from({ length: options.connections }, (_, caller) => callOn(caller)));
  clearInterval(tell);
  agent.destroy();
  process.disconnect();
}

/** Puts what a write left on the shelf. What nobody knows the state of is not touched again. */
function keep(shelf: Shelf, entry: Entry): void {
  const { memory } = entry;
  if (!memory) return;
  const at = shelf.findIndex(({ id }) => id !== undefined && id === memory.id);
  if (at >= 0) shelf.splice(at, 1);
  if (entry.status === entry.expected && !isOpen(entry)) shelf.push(memory);
  if (shelf.length > SHELF_MAX) shelf.shift();
}

interface ServicePlace {
  url: string;
  gone?: boolean;
}

/** Follows the parent's orders. */
function hearOfService() {
  let known: ServicePlace | undefined;
  let end = false;
  const wake: (() => void)[] = [];
  process.on('message', (order: Order) => {
    if ('end' in order) end = true;
    else known = { url: order.url };
    for (const resolve of wake.splice(0)) resolve();
  });
  // Nobody is left to say where the service is.
  process.once('disconnect', () => process.exit());
  return {
    ending: () => end,
    /** Where the service is; waits while it is gone. */
    async place(): Promise<ServicePlace> {
      while (!known || known.gone) await new Promise<void>((resolve) => wake.push(resolve));
      return known;
    },
  };
}

await main(JSON.parse(process.argv[2] as string) as ClientOptions);
