import { randomInt } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Call, drawCall, entryOf, type KnownMemories } from './calls.ts';
import { type Entry, isUnknown } from './log.ts';
import { sendRequest } from './send.ts';

/*
 * A client in a process of its own: calls continuously over several connections and appends each response to its log
 * before the next call on that connection. When the service is gone, it waits until its parent sends the new URL.
 */

export interface ClientOptions {
  log: string;
  connections: number;
  /** A key of all scopes. */
  apiKey: string;
  /** A key that may only read memories. */
  readerKey: string;
}

/** Message from the parent: the URL of the service, or the command to end after the calls in progress. */
export type Command = { url: string } | { end: true };
/** Message to the parent, sent every 25 ms: the number of responses so far. */
export interface Progress {
  responses: number;
}

/** Each caller reads and changes its 20 latest memories. */
const KNOWN_MEMORIES_MAX = 20;
const PROGRESS_MS = 25;

async function main(options: ClientOptions): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const parent = followCommands();
  let responses = 0;

  const progress = setInterval(() => process.send?.({ responses } satisfies Progress), PROGRESS_MS);
  const log = (entry: Entry) => {
    appendFileSync(options.log, `${JSON.stringify(entry)}\n`);
    if (entry.status !== undefined) responses++;
  };

  /** Sends a call and logs its outcome. */
  async function execute(call: Call): Promise<Entry> {
    const service = await parent.service();
    const key = call.reader ? options.readerKey : options.apiKey;
    const response = await sendRequest(agent, service.url, key, call.request, call.idempotencyKey).catch(
      () => undefined,
    );
    if (!response) service.gone = true;
    const entry = entryOf(call, response);
    log(entry);
    if (entry.status === 503) await delay(20);
    return entry;
  }

  async function callUntilEnd(caller: number): Promise<void> {
    const known: KnownMemories = [];
    for (let n = 0; !parent.ending(); n++) {
      const call = drawCall(known, `memory ${n} of caller ${caller} of process ${process.pid}`);
      let entry = await execute(call);
      // A call with an idempotency key is repeated until it succeeds, and every other time once more after that.
      while (call.idempotencyKey && isUnknown(entry)) entry = await execute(call);
      if (call.idempotencyKey && randomInt(2) === 0) await execute(call);
      remember(known, entry);
    }
  }

  await Promise.all(Array.from({ length: options.connections }, (_, caller) => callUntilEnd(caller)));
  clearInterval(progress);
  agent.destroy();
  process.disconnect();
}

/** Updates the known memories after a write. A memory whose state is unknown is not used again. */
function remember(known: KnownMemories, entry: Entry): void {
  const { memory } = entry;
  if (!memory) return;
  const at = known.findIndex(({ id }) => id !== undefined && id === memory.id);
  if (at >= 0) known.splice(at, 1);
  if (entry.status === entry.expected && !isUnknown(entry)) known.push(memory);
  if (known.length > KNOWN_MEMORIES_MAX) known.shift();
}

interface ServiceAddress {
  url: string;
  gone?: boolean;
}

/** Receives the parent's commands. */
function followCommands() {
  let known: ServiceAddress | undefined;
  let end = false;
  const waiting: (() => void)[] = [];
  process.on('message', (command: Command) => {
    if ('end' in command) end = true;
    else known = { url: command.url };
    for (const resolve of waiting.splice(0)) resolve();
  });
  // Without the parent the new URL would never arrive.
  process.once('disconnect', () => process.exit());
  return {
    ending: () => end,
    /** Resolves to the address of the service, once it is not gone. */
    async service(): Promise<ServiceAddress> {
      while (!known || known.gone) await new Promise<void>((resolve) => waiting.push(resolve));
      return known;
    },
  };
}

await main(JSON.parse(process.argv[2] as string) as ClientOptions);
