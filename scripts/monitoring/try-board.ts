import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createUser } from '../../api/accounts/users.ts';
import { startService } from '../../api/bootstrap.ts';
import { readConfig } from '../../api/config.ts';
import { newId } from '../../api/ids.ts';
import { createLog } from '../../api/observability/log.ts';
import { freePort } from '../../db/embedded/free-port.ts';
import { startEmbedded } from '../../db/embedded/start.ts';
import { root } from '../program.ts';

/*
 * Starts a service and a Prometheus that scrapes it, sends requests for a while, then executes the query of every panel of the board.
 * Fails when one returns nothing. Needs the program `prometheus`. Run: node --import tsx scripts/monitoring/try-board.ts
 */

const LOAD_MS = 20_000;
const SCRAPES_MS = 12_000;

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'whitemagic-board-'));
  let prometheus: ChildProcess | undefined;
  const embedded = await startEmbedded({ dataDir: join(folder, 'data'), log: () => undefined });
  try {
    const [metricsPort, port] = [await freePort(), await freePort()];
    const config = {
      ...readConfig({}),
      port: 0,
      dataDir: join(folder, 'data'),
      metricsPort,
      databaseUrl: embedded.url,
    };
    const service = await startService(config, createLog({ level: 'error', pretty: false }));
    try {
      prometheus = await startPrometheus(folder, port, metricsPort);
      await sendLoad(service);
      await delay(SCRAPES_MS);
      await report(port);
    } finally {
      await service.stop();
    }
  } finally {
    prometheus?.kill('SIGTERM');
    if (prometheus) await once(prometheus, 'close');
    await embedded.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function startPrometheus(folder: string, port: number, target: number): Promise<ChildProcess> {
  await mkdir(join(folder, 'prometheus'));
  const file = join(folder, 'prometheus.yml');
  await writeFile(
    file,
    `global: { scrape_interval: 1s, evaluation_interval: 5s }
rule_files: [${join(root, 'scripts/monitoring/rules.yml')}]
scrape_configs:
  - job_name: whitemagic-api
    static_configs: [{ targets: ['127.0.0.1:${target}'] }]
`,
  );
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'prometheus')}`];
  return spawn('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
}

async function sendLoad(service: Awaited<ReturnType<typeof startService>>): Promise<void> {
  const clock = { now: () => new Date(), newId };
  const { apiKey } = await service.database.ownerWrite((sql) =>
    createUser(
      { ...clock, sql },
      { email: null, plan: 'free', keyName: 'Board', keyEnvironment: 'test', actor: 'board' },
    ),
  );
  // A free account is over its limit soon, and REST needs a paid plan: both are on the board.
  const call = (path: string, body?: object, key = apiKey) =>
    fetch(`${service.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        Authorization: `Bearer ${key}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      ...(body && { body: JSON.stringify(body) }),
    }).then((response) => response.arrayBuffer());
  const tool = (name: string, args: object) =>
    call('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } });
  for (const end = Date.now() + LOAD_MS; Date.now() < end; await delay(100)) {
    await tool('create_memory', { title: `Memory ${Date.now()}`, content: `The deploy of ${Date.now()} went well.` });
    await tool('search_memories', { query: 'deploy' });
    await call('/api/v1/memories', undefined, 'wm_test_wrong');
    await call('/docs');
  }
}

async function report(port: number): Promise<void> {
  const board = JSON.parse(await readFile(join(root, 'scripts/monitoring/grafana/dashboards/whitemagic.json'), 'utf8'));
  const empty: string[] = [];
  let queries = 0;
  for (const { title, targets = [] } of board.panels as Panel[]) {
    for (const { expr } of targets) {
      queries += 1;
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { data } = (await response.json()) as { data?: { result: { value: [number, string] }[] } };
      const first = data?.result[0]?.value[1];
      console.log(`${first === undefined ? '✗' : '✓'} ${title}: ${first ?? 'nothing'}`);
      if (first === undefined || first === 'NaN') empty.push(`${title}: ${expr}`);
    }
  }
  console.log(`${queries} queries, ${empty.length} without a value`);
  if (empty.length > 0) {
    console.error(empty.join('\n'));
    process.exitCode = 1;
  }
}

await main();
