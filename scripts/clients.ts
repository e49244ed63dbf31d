import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { readCredentials } from '../api/accounts/local-owner.ts';
import { TESTED_CLIENTS, type TestedClient } from './clients/client-list.ts';
import { type ClientReport, testClient } from './clients/run-client.ts';
import { root } from './program.ts';
import { startServiceProcess } from './service-process.ts';

/*
 * Proves that real clients work: installs those that the npm registry carries, each with a home of its own, runs `whitemagic setup`,
 * then the client's own health check or a run without a model, and prints a table. Needs the registry; not part of the tests.
 */

const USAGE = `Usage: npm run clients [-- options]

  --client NAME   only this client; may be repeated
  --http          entries with address and key instead of the bridge
  --folder PATH   where the clients are installed and kept (default: whitemagic-clients in the temporary folder)
  --write         write the table to docs/clients.md
  --verbose       print what the clients say`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      client: { type: 'string', multiple: true },
      http: { type: 'boolean' },
      folder: { type: 'string', default: join(tmpdir(), 'whitemagic-clients') },
      write: { type: 'boolean' },
      verbose: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const isDirect = values.http === true;
  const chosen = TESTED_CLIENTS.filter(
    ({ name, id, onlyHttp, package: pack }) =>
      (isDirect ? id !== undefined || onlyHttp : !onlyHttp) &&
      (!values.client || values.client.some((one) => [name.toLowerCase(), id, pack].includes(one.toLowerCase()))),
  );
  const dataDir = mkdtempSync(join(tmpdir(), 'whitemagic-clients-data-'));
  const service = await startServiceProcess(dataDir, { LOG_LEVEL: 'warn' });
  const model = await startRejectingModel();
  const reports: ClientReport[] = [];
  try {
    const key = (await readCredentials(dataDir))?.api_key;
    if (!key) throw new Error('The service wrote no key.');
    await remember(service.url, key);
    const given = {
      serviceUrl: service.url,
      key,
      cli: join(root, 'dist/mcp/cli/whitemagic.js'),
      model: model.url,
      modelRequests: model.requests,
      remembered: REMEMBERED,
      isDirect,
    };
    for (const client of chosen) {
      const { folder, version } = install(client, values.folder);
      const report = await testClient(client, folder, version, given);
      reports.push(report);
      console.error(rowOf(report));
      if (values.verbose) console.error(report.output);
    }
  } finally {
    model.close();
    await service.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  const table = tableOf(reports);
  console.log(table);
  if (values.write) writeTable(table, isDirect ? 'With address and key' : 'With the bridge');
  return reports.every(({ connected, setUp, context }) => connected && setUp !== false && context !== false) ? 0 : 1;
}

const REMEMBERED = 'The shop is never deployed on Fridays';

/** Stores a memory that a client's session can begin with. */
async function remember(url: string, key: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/memories`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ content: `${REMEMBERED}: the payment provider has no support then.` }),
  });
  if (response.status !== 201) throw new Error(`The memory was not stored: ${response.status}`);
}

/** Installs a client, unless it is there. Install scripts run only where a client needs its own, whatever npm's settings say. */
function install(
  { package: name, needsInstallScript = false }: TestedClient,
  base: string,
): { folder: string; version: string } {
  const folder = join(base, name.replaceAll(/[@/]/g, '_'));
  const manifest = join(folder, 'node_modules', name, 'package.json');
  if (!existsSync(manifest)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    console.error(`installing ${name} …`);
    const scripts = `--ignore-scripts=${!needsInstallScript}`;
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', scripts, name], {
      cwd: folder,
      stdio: 'inherit',
    });
  }
  return { folder, version: JSON.parse(readFileSync(manifest, 'utf8')).version };
}

/** Starts a server in place of a model's, which keeps every request and rejects it. */
async function startRejectingModel(): Promise<{ url: string; requests: string[]; close(): void }> {
  const requests: string[] = [];
  const server = createServer(async (req, res) => {
    requests.push(await text(req));
    res.writeHead(400, { 'Content-Type': 'application/json' });
    res.end('{"error":{"message":"There is no model here.","type":"invalid_request_error","code":"none"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { url, requests, close: () => server.close() };
}

function tableOf(reports: readonly ClientReport[]): string {
  return [
    '| client | version | checked with | set up | connected | lists tools | wrong key: says so | back after the service was away | starts with context |',
    '|---|---|---|---|---|---|---|---|---|',
    ...reports.map(rowOf),
  ].join('\n');
}

function rowOf({ name, version, how, setUp, connected, tools, wrongKey, back, context }: ClientReport): string {
  const word = (value: boolean | undefined) => (value === undefined ? 'by arguments' : value ? 'yes' : 'no');
  const steps = [setUp, connected, tools, wrongKey, back].map(word);
  return `| ${[name, version, how, ...steps, context === undefined ? 'no hooks' : word(context)].join(' | ')} |`;
}

/** Replaces the table below its sentence in docs/clients.md. */
function writeTable(table: string, sentence: string): void {
  const path = join(root, 'docs/clients.md');
  const former = new RegExp(`(${sentence}[^\\n]*:\\n\\n)(?:\\|[^\\n]*\\n)+`);
  writeFileSync(path, readFileSync(path, 'utf8').replace(former, `$1${table}\n`));
}

process.exitCode = await main();
