import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Service, startService } from '../api/bootstrap.ts';
import { readConfig } from '../api/config.ts';
import { createLog } from '../api/observability/log.ts';
import { startEmbedded } from '../db/embedded/start.ts';
import { Api, ATTACKS, type Attack } from './bench/fairness/attacks.ts';
import {
  type Call,
  type HeavyTraffic,
  type Sender,
  startSender,
  type TrafficResult,
} from './bench/fairness/traffic.ts';
import { clearEmbeddingQueue, untilEmbedded, vacuum } from './bench/tables.ts';
import { addTenant } from './bench/tenants.ts';
import { createTexts } from './bench/texts.ts';
import { percentile } from './eval/score.ts';

const HELP = `Usage: npm run bench:fairness [-- options]

Measures the calls of many quiet tenants while one tenant sends the most expensive calls that the service accepts, on a
service and a database of its own. Each row compares with the same traffic without the expensive calls, measured in
turn with it, because other programs of the machine change the figures from minute to minute.

  --seconds N        duration of each measurement (default 10)
  --rounds N         measurements of each row, with and without the expensive calls in turn (default 2)
  --tenants N        number of quiet tenants (default 50)
  --every-ms N       interval of each quiet tenant's calls (default 2000)
  --only TEXT        measures the expensive calls whose name contains the text
  --embedder none    measures without the encoder

Exits with 1 when a quiet call fails, or a figure misses its reach: p95 within 2 times and p99 within 5 times the
figures of the quiet traffic alone, and no stall of the event loop of 100 ms or more.`;

/** Reach: ratios to the quiet traffic alone, and the longest stall of the event loop. */
const REACH = { p95: 2, p99: 5, stallMs: 100 };
const CONNECTIONS = 4;
const NOTES = 20;
/** Memories of one batch request, and the most bytes of their contents. */
const BATCH = { memories: 100, bytes: 900_000 };

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '2' },
      tenants: { type: 'string', default: '50' },
      'every-ms': { type: 'string', default: '2000' },
      only: { type: 'string', default: '' },
      embedder: { type: 'string', default: 'local' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const positive = (name: string, text: string) => {
    if (!(Number(text) > 0)) throw new Error(`--${name} takes a positive number, not ${text}`);
    return Number(text);
  };
  if (!Number.isInteger(Number(values.rounds))) throw new Error(`--rounds takes a whole number, not ${values.rounds}`);
  const attacks = ATTACKS.filter(({ name }) => name.includes(values.only));
  if (attacks.length === 0) throw new Error(`no expensive call has a name with "${values.only}"`);
  if (values.embedder !== 'local' && values.embedder !== 'none') throw new Error('--embedder takes local or none');
  return {
    help: values.help,
    embedder: values.embedder as 'local' | 'none',
    milliseconds: 1000 * positive('seconds', values.seconds),
    rounds: positive('rounds', values.rounds),
    tenants: positive('tenants', values.tenants),
    everyMs: positive('every-ms', values['every-ms']),
    attacks,
  };
}
type Options = ReturnType<typeof readOptions>;

/** Results of the same kind of measurement, one for each round. */
interface Measured {
  quiet: TrafficResult[];
  heavy: TrafficResult[];
  /** Longest time that the event loop of the service did not turn. */
  stallMs: number;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-bench-fairness-'));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  const config = { ...readConfig({}), port: 0, dataDir, databaseUrl: embedded.url, embedder: options.embedder };
  const service = await startService(config, createLog({ level: 'silent', pretty: false }));
  const senders = { quiet: startSender(), heavy: startSender() };
  try {
    if (!(await measureAll(service, senders, options))) process.exitCode = 1;
  } finally {
    senders.quiet.stop();
    senders.heavy.stop();
    await service.stop();
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureAll(
  service: Service,
  senders: { quiet: Sender; heavy: Sender },
  { tenants, everyMs, milliseconds, rounds, attacks, embedder }: Options,
): Promise<boolean> {
  progress(`storing ${NOTES} memories for each of ${tenants} tenants`);
  const quietTenants = await makeQuietTenants(service, tenants);
  if (embedder === 'local') await untilEmbedded(service.database);
  await vacuum(service.database);
  const measure = async (measured: Measured, heavy?: HeavyTraffic): Promise<void> => {
    const loop = monitorEventLoopDelay({ resolution: 5 });
    loop.enable();
    const quiet = senders.quiet.send({ kind: 'quiet', tenants: quietTenants, everyMs, milliseconds });
    const [result, load] = await Promise.all([quiet, heavy && senders.heavy.send(heavy)]);
    loop.disable();
    measured.quiet.push(result);
    if (load) measured.heavy.push(load);
    measured.stallMs = Math.max(measured.stallMs, loop.max / 1e6);
  };
  progress('warming up');
  await measure(noMeasurement());
  const rows = [];
  for (const attack of attacks) {
    progress(`measuring beside: ${attack.name}`);
    const calls = await prepare(service, attack);
    const connections = attack.connections ?? CONNECTIONS;
    const [alone, beside] = [noMeasurement(), noMeasurement()];
    const measureBeside = async () => {
      await measure(beside, { kind: 'heavy', calls, connections, milliseconds });
      await stopEmbedding(service);
    };
    for (let round = 0; round < rounds; round++) {
      // In alternate order: what the heavy calls leave behind, such as dirty pages, would slow the quiet ones alone only.
      if (round % 2 === 0) await measure(alone);
      await measureBeside();
      if (round % 2 === 1) await measure(alone);
    }
    rows.push(toRow(attack.name, alone, beside));
  }
  console.table(rows);
  return rows.every((row) => row['within reach'] === 'yes');
}

function noMeasurement(): Measured {
  return { quiet: [], heavy: [], stallMs: 0 };
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Creates the quiet tenants, and returns the calls of each: two searches, a context, a list, a create and two reads. */
async function makeQuietTenants(service: Service, count: number): Promise<Call[][]> {
  const texts = createTexts();
  const tenants: Call[][] = [];
  for (let tenant = 1; tenant <= count; tenant++) {
    const api = new Api(service.url, await addTenant(service));
    const notes = Array.from({ length: NOTES }, (_, index) => {
      const { title, content, tags } = texts.note(tenant, index);
      return { title, content, tags };
    });
    const [id] = await store(api, notes);
    const [first, second] = texts.questions(tenant, NOTES, 2);
    tenants.push([
      api.post('/search', { query: first }),
      api.get(`/memories/${id}`),
      api.post('/context', { query: second, max_tokens: 1_000 }),
      api.get('/memories?limit=10'),
      api.tool('search_memories', { query: second }),
      api.post('/memories', { title: 'New {new}', content: `The office moved to floor ${tenant}.` }),
      api.tool('get_memory', { id }),
    ]);
  }
  return tenants;
}

/** Stores what an attack needs, in an account of its own, and returns its calls. */
async function prepare(service: Service, { stored, calls }: Attack): Promise<Call[]> {
  const api = new Api(service.url, await addTenant(service));
  const ids: string[] = [];
  let batch: { title: string; content: string }[] = [];
  for (const memory of stored?.() ?? []) {
    const size = batch.reduce((sum, { content }) => sum + content.length, 0);
    if (batch.length === BATCH.memories || size + memory.content.length > BATCH.bytes) {
      ids.push(...(await store(api, batch)));
      batch = [];
    }
    batch.push(memory);
  }
  if (batch.length > 0) ids.push(...(await store(api, batch)));
  if (ids.length > 100) await untilEmbedded(service.database);
  else await stopEmbedding(service);
  await vacuum(service.database);
  return calls(api, ids);
}

/** Clears the embedding queue, and waits until the encoder has done what it had taken from it: some 24,000 characters. */
async function stopEmbedding({ database }: Service): Promise<void> {
  await clearEmbeddingQueue(database);
  await delay(4_000);
}

async function store(api: Api, memories: object[]): Promise<string[]> {
  const { url, ...call } = api.post('/memories/batch', { memories });
  const response = await fetch(url, call);
  const body = (await response.json()) as { results: { id: string | null }[] };
  const ids = body.results?.flatMap(({ id }) => id ?? []);
  if (ids?.length !== memories.length)
    throw new Error(`not stored (${response.status}): ${JSON.stringify(body).slice(0, 500)}`);
  return ids;
}

function toRow(name: string, alone: Measured, beside: Measured) {
  const ms = (measured: TrafficResult[], share: number) =>
    percentile(
      measured.flatMap(({ times }) => times),
      share,
    );
  const ratio = (share: number) => ms(beside.quiet, share) / ms(alone.quiet, share);
  const isWithin =
    [...alone.quiet, ...beside.quiet].every(({ rejected }) => Object.keys(rejected).length === 0) &&
    ratio(0.95) <= REACH.p95 &&
    ratio(0.99) <= REACH.p99 &&
    beside.stallMs < REACH.stallMs;
  const figures = (measured: TrafficResult[]) =>
    [0.5, 0.95, 0.99].map((share) => Math.round(ms(measured, share))).join(' / ');
  return {
    beside: name,
    'quiet calls': beside.quiet.reduce((sum, { times }) => sum + times.length, 0),
    failed: statuses([...alone.quiet, ...beside.quiet]),
    'p50 / p95 / p99 alone': figures(alone.quiet),
    'and beside': figures(beside.quiet),
    'p95 ratio': toHundredths(ratio(0.95)),
    'p99 ratio': toHundredths(ratio(0.99)),
    'stall ms': Math.round(beside.stallMs),
    'heavy calls': beside.heavy.reduce((sum, { times }) => sum + times.length, 0),
    'heavy p50 ms': Math.round(ms(beside.heavy, 0.5)),
    'heavy rejected': statuses(beside.heavy),
    'within reach': isWithin ? 'yes' : 'no',
  };
}

/** Returns the responses that are no success, as "4 x 429, 1 x 503". */
function statuses(results: TrafficResult[]): string {
  const counts = new Map<string, number>();
  for (const { rejected } of results) {
    for (const [status, count] of Object.entries(rejected)) counts.set(status, (counts.get(status) ?? 0) + count);
  }
  return Array.from(counts, ([status, count]) => `${count} x ${status}`).join(', ');
}

function toHundredths(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

await main();
