import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Service, startService } from '../api/bootstrap.ts';
import { readConfig } from '../api/config.ts';
import { tendCells } from '../api/embeddings/clustering.ts';
import { LOCAL_MODEL } from '../api/embeddings/local/model-name.ts';
import { createLog } from '../api/observability/log.ts';
import { startEmbedded } from '../db/embedded/start.ts';
import { proveAlike } from './bench/fill.ts';
import { measureAll, NEW_FROM } from './bench/growth.ts';
import { printDisk, printFigures, printRatios, type Run } from './bench/growth-report.ts';
import { create } from './bench/measure.ts';
import { measureSizes, vacuum } from './bench/tables.ts';
import { addOthers, addTenant, type Bench, growTo } from './bench/tenants.ts';
import { createTexts, GROWING } from './bench/texts.ts';
import { syntheticVectors } from './bench/vectors.ts';

const HELP = `Usage: npm run bench:search [-- options]

Measures search, context and create while one tenant grows beside others, on a service and a database of its own.

  --large            grows to 1,000,000 memories (default: 1,000, 10,000, 100,000)
  --sizes N,N,…      grows to these sizes instead
  --tenants N        other tenants (default 200)
  --each N           memories of each of them (default 2,000)
  --questions N      different questions for each figure (default 200, the first 20 to warm up)
  --embedder none    measures the service without meanings
  --json FILE        writes the figures
  --against FILE     prints beside each figure by how much it changed since that file
  --keep DIR         keeps the database there

Texts are made up of words as frequent as those of a language, vectors are made up too: only the questions are encoded.
Tables go to stdout, progress to stderr. With the default sizes it takes about ten minutes.`;

const SIZES = '1000,10000,100000';

function readOptions() {
  const { values } = parseArgs({
    options: {
      large: { type: 'boolean', default: false },
      sizes: { type: 'string', default: SIZES },
      tenants: { type: 'string', default: '200' },
      each: { type: 'string', default: '2000' },
      questions: { type: 'string', default: '200' },
      embedder: { type: 'string', default: 'local' },
      json: { type: 'string' },
      against: { type: 'string' },
      keep: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.embedder !== 'local' && values.embedder !== 'none') throw new Error('--embedder takes local or none');
  const whole = (name: string, text: string) => {
    const number = Number(text.replaceAll('_', ''));
    if (!(Number.isInteger(number) && number > 0))
      throw new Error(`--${name} takes whole numbers from 1 on, not ${text}`);
    return number;
  };
  const sizes = values.sizes.split(',').map((size) => whole('sizes', size));
  return {
    ...values,
    embedder: values.embedder as 'local' | 'none',
    sizes: [...new Set([...sizes, ...(values.large ? [1_000_000] : [])])].sort((a, b) => a - b),
    tenants: whole('tenants', values.tenants),
    each: whole('each', values.each),
    questions: whole('questions', values.questions),
  };
}
type Options = ReturnType<typeof readOptions>;

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const against = options.against ? (JSON.parse(await readFile(options.against, 'utf8')) as Run) : undefined;
  const dataDir = options.keep ?? (await mkdtemp(join(tmpdir(), 'whitemagic-bench-search-')));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  const clear = async () => {
    await embedded.stop();
    if (!options.keep) await rm(dataDir, { recursive: true, force: true });
  };
  const leave = () => {
    // What is under way loses its database: no news.
    process.on('uncaughtException', () => undefined);
    void clear().finally(() => process.exit(130));
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  const config = { ...readConfig({}), port: 0, dataDir, jobs: false, databaseUrl: embedded.url };
  const log = createLog({ level: 'silent', pretty: false });
  const whole = await startService({ ...config, embedder: options.embedder }, log);
  const words = await startService({ ...config, embedder: 'none' }, log);
  const writeVectors = options.embedder === 'local' ? syntheticVectors() : undefined;
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  try {
    if (writeVectors) await untilEncoding(whole);
    const run = await grow({ whole, words, texts: createTexts(), writeVectors, say }, options, against);
    printRatios(run);
    if (options.json) await writeFile(options.json, `${JSON.stringify(run, null, 2)}\n`);
  } finally {
    await words.stop();
    await whole.stop();
    await clear();
  }
}

async function grow(bench: Bench, options: Options, against: Run | undefined): Promise<Run> {
  const { embedder, tenants, each, questions, sizes } = options;
  const run: Run = { embedder, tenants, each, questions, figures: [], disk: [] };
  const { texts, whole } = bench;
  await proveFilling(bench);
  const small = await addOthers(bench, tenants, each);
  const big = await addTenant(whole);
  const asked = texts.questions(GROWING, sizes[0] as number, questions);
  const askedOfSmall = texts.questions(tenants, each, questions);
  let before = 0;
  for (const size of sizes) {
    await growTo(bench, big, before, size);
    before = size;
    // As the service does it once the queue has grown a tenant.
    if (bench.writeVectors) await cutCells(bench, big.userId);
    await vacuum(whole.database);
    const figures = await measureAll(bench, { size, big, small, asked, askedOfSmall });
    const disk = { size, ...(await measureSizes(whole.database)) };
    printFigures(figures, against);
    printDisk(disk, against);
    run.figures.push(...figures);
    run.disk.push(disk);
  }
  return run;
}

async function cutCells({ whole, say }: Bench, userId: string): Promise<void> {
  const started = performance.now();
  const log = createLog({ level: 'silent', pretty: false });
  await tendCells(whole.database, { userId, model: LOCAL_MODEL }, log, new AbortController().signal);
  say(`codes put into cells, where there are enough: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** @throws Error when a memory that is filled in is not what the API would have stored */
async function proveFilling({ whole, words, texts }: Bench): Promise<void> {
  const { userId, apiKey } = await addTenant(whole);
  const note = texts.note(GROWING, NEW_FROM);
  await proveAlike(whole.database, userId, note, () => create(words, apiKey, note, 'stored'));
}

/** Waits until the encoder has loaded. @throws Error when it cannot run here */
async function untilEncoding(service: Service): Promise<void> {
  for (;;) {
    const ready = (await (await fetch(`${service.url}/ready`)).json()) as { search: { semantic: string } };
    const { semantic } = ready.search;
    if (semantic === 'ready') return;
    if (semantic !== 'loading') throw new Error(`the encoder is ${semantic}; --embedder none measures without it`);
    await delay(100);
  }
}

await main();
