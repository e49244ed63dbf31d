import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Service, startService } from '../api/bootstrap.ts';
import { readConfig } from '../api/config.ts';
import { updateClusters } from '../api/embeddings/clustering.ts';
import { LOCAL_MODEL } from '../api/embeddings/local/model-name.ts';
import { createLog } from '../api/observability/log.ts';
import { startEmbedded } from '../db/embedded/start.ts';
import { verifyEqualRows } from './bench/fill.ts';
import { measureAll, NEW_NOTES_FROM } from './bench/growth.ts';
import { printDisk, printFigures, printRatios, type Run } from './bench/growth-report.ts';
import { create } from './bench/measure.ts';
import { measureSizes, vacuum } from './bench/tables.ts';
import { addOthers, addTenant, growTo, type SearchBench } from './bench/tenants.ts';
import { createTexts, GROWING } from './bench/texts.ts';
import { syntheticVectors } from './bench/vectors.ts';

const HELP = `Usage: npm run bench:search [-- options]

Measures search, context and create while one tenant grows beside others, on a service and a database of its own.

  --large            grows to 1,000,000 memories too (default: 1,000, 10,000, 100,000)
  --sizes N,N,…      grows to these sizes instead
  --tenants N        number of other tenants (default 200)
  --each N           memories of each of them (default 2,000)
  --questions N      different queries per figure (default 200; the first 20 warm up)
  --embedder none    measures lexical search only
  --json FILE        writes the figures
  --against FILE     prints the change of each figure since that file was written
  --keep DIR         keeps the database there

Texts consist of made-up words with the frequencies of a natural language; vectors are synthetic. Only queries are encoded.
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
  const parseCount = (name: string, text: string) => {
    const number = Number(text.replaceAll('_', ''));
    if (!(Number.isInteger(number) && number > 0)) throw new Error(`--${name} takes positive integers, not ${text}`);
    return number;
  };
  const sizes = values.sizes.split(',').map((size) => parseCount('sizes', size));
  return {
    ...values,
    embedder: values.embedder as 'local' | 'none',
    sizes: [...new Set([...sizes, ...(values.large ? [1_000_000] : [])])].sort((a, b) => a - b),
    tenants: parseCount('tenants', values.tenants),
    each: parseCount('each', values.each),
    questions: parseCount('questions', values.questions),
  };
}
type Options = ReturnType<typeof readOptions>;

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const against = options.against ? (JSON.parse(await readFile(options.against, 'utf8')) as Run) : undefined;
  const dataDir = options.keep ?? (await mkdtemp(join(tmpdir(), 'whitemagic-bench-search-')));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  const cleanUp = async () => {
    await embedded.stop();
    if (!options.keep) await rm(dataDir, { recursive: true, force: true });
  };
  const abort = () => {
    // Calls in progress lose their database: their errors are expected.
    process.on('uncaughtException', () => undefined);
    void cleanUp().finally(() => process.exit(130));
  };
  process.once('SIGINT', abort).once('SIGTERM', abort);
  const config = { ...readConfig({}), port: 0, dataDir, jobs: false, databaseUrl: embedded.url };
  const log = createLog({ level: 'silent', pretty: false });
  const hybrid = await startService({ ...config, embedder: options.embedder }, log);
  const lexical = await startService({ ...config, embedder: 'none' }, log);
  const writeVectors = options.embedder === 'local' ? syntheticVectors() : undefined;
  const progress = (line: string) => void process.stderr.write(`${line}\n`);
  try {
    if (writeVectors) await untilEncoding(hybrid);
    const run = await grow({ hybrid, lexical, texts: createTexts(), writeVectors, progress }, options, against);
    printRatios(run);
    if (options.json) await writeFile(options.json, `${JSON.stringify(run, null, 2)}\n`);
  } finally {
    await lexical.stop();
    await hybrid.stop();
    await cleanUp();
  }
}

async function grow(bench: SearchBench, options: Options, against: Run | undefined): Promise<Run> {
  const { embedder, tenants, each, questions, sizes } = options;
  const run: Run = { embedder, tenants, each, questions, figures: [], disk: [] };
  const { texts, hybrid } = bench;
  await verifyFill(bench);
  const small = await addOthers(bench, tenants, each);
  const big = await addTenant(hybrid);
  const queries = texts.questions(GROWING, sizes[0] as number, questions);
  const smallQueries = texts.questions(tenants, each, questions);
  let before = 0;
  for (const size of sizes) {
    await growTo(bench, big, before, size);
    before = size;
    // As the service does after embedding many memories of a tenant.
    if (bench.writeVectors) await buildClusters(bench, big.userId);
    await vacuum(hybrid.database);
    const figures = await measureAll(bench, { size, big, small, queries, smallQueries });
    const disk = { size, ...(await measureSizes(hybrid.database)) };
    printFigures(figures, against);
    printDisk(disk, against);
    run.figures.push(...figures);
    run.disk.push(disk);
  }
  return run;
}

async function buildClusters({ hybrid, progress }: SearchBench, userId: string): Promise<void> {
  const started = performance.now();
  const log = createLog({ level: 'silent', pretty: false });
  await updateClusters(hybrid.database, { userId, model: LOCAL_MODEL }, log, new AbortController().signal);
  progress(`binary codes clustered, if there are enough: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** @throws Error when a bulk-inserted memory differs from one that the API stores */
async function verifyFill({ hybrid, lexical, texts }: SearchBench): Promise<void> {
  const { userId, apiKey } = await addTenant(hybrid);
  const note = texts.note(GROWING, NEW_NOTES_FROM);
  await verifyEqualRows(hybrid.database, userId, note, () => create(lexical, apiKey, note, 'stored'));
}

/** Waits until the encoder has loaded. @throws Error when it cannot run on this machine */
async function untilEncoding(service: Service): Promise<void> {
  for (;;) {
    const ready = (await (await fetch(`${service.url}/ready`)).json()) as { search: { semantic: string } };
    const { semantic } = ready.search;
    if (semantic === 'ready') return;
    if (semantic !== 'loading')
      throw new Error(`the encoder is ${semantic}; use --embedder none to measure without it`);
    await delay(100);
  }
}

await main();
