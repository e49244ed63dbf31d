import type { Command } from 'commander';
import { Failure } from '../bridge/failure.ts';
import { networkFailure } from '../bridge/network.ts';
import { post } from '../bridge/post.ts';
import { resolveTarget, type Target } from '../bridge/target.ts';
import { type Cli, settingsOf } from '../cli.ts';
import { checkClients } from '../client-checks.ts';
import { inspectKey } from '../key.ts';
import { findProject } from '../project.ts';
import { proxiedFetch } from '../proxied-fetch.ts';
import type { FoundSettings } from '../settings.ts';

/** Result of one check. */
interface Check {
  name: string;
  ok: boolean;
  remark: string;
  /** How to fix it. */
  todo?: string | undefined;
}

const timeoutMs = 10_000;
const SKEW_MINUTES_MAX = 5;

/** Adds `whitemagic doctor`. */
export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .summary('check the URL, the key, the connection and the clients')
    .description('Checks every step from this computer to the service, and says how to fix what fails.')
    .option('--url <url>', 'address of the service')
    .action(async ({ url }: { url?: string }) => {
      cli.exitCode = await doctor(cli, settingsOf(cli, url));
    });
}

/** Checks the settings, the connection to the service and the clients, and prints a table. Returns the exit code. */
async function doctor(cli: Cli, settings: FoundSettings): Promise<number> {
  const { version, print } = cli;
  const key = inspectKey(settings.key);
  const checks: Check[] = [
    { name: 'bridge', ok: true, remark: version },
    nodeCheck(process.versions.node),
    { name: 'URL', ok: settings.url !== undefined, remark: `${settings.url ?? 'none'}${from(settings.urlFrom)}` },
    { name: 'key', ok: key.ok, remark: `${key.shown}${from(settings.keyFrom)}, ${key.remark}` },
    projectCheck(cli),
    ...(await serviceChecks(settings, version)),
    ...checkClients(cli, settings.url),
  ];
  for (const { name, ok, remark, todo } of checks) {
    print(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(24)}  ${remark}`);
    if (todo) print(`      -> ${todo}`);
  }
  return checks.every((check) => check.ok) ? 0 : 1;
}

function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { name: 'Node', ok, remark: version, todo: ok ? undefined : 'Install Node 20.19 or later.' };
}

function projectCheck(cli: Cli): Check {
  const { name, from } = findProject(cli, cli.cwd);
  return { name: 'project', ok: true, remark: `${name ?? 'none'} (${from})` };
}

async function serviceChecks(settings: FoundSettings, version: string): Promise<Check[]> {
  let target: Target;
  try {
    target = resolveTarget(settings);
  } catch (error) {
    return [
      { name: 'service', ok: false, remark: 'not checked', todo: error instanceof Error ? error.message : undefined },
    ];
  }
  return [
    await timed('GET /health', () => get(target, '/health', 'Check WHITEMAGIC_URL.')),
    await timed('GET /ready', () =>
      get(target, '/ready', 'The service is not ready: try again in a moment, then check its log.'),
    ),
    await timed('POST /mcp (initialize)', () => initialize(target, version)),
  ];
}

async function timed(name: string, work: () => Promise<string>): Promise<Check> {
  const began = performance.now();
  const ms = () => `${Math.round(performance.now() - began)} ms`;
  try {
    const remark = await work();
    return { name, ok: true, remark: `${ms()}  ${remark}`.trimEnd() };
  } catch (error) {
    const todo =
      error instanceof Error && error.name === 'TimeoutError'
        ? 'No response within 10 s: is the service overloaded?'
        : undefined;
    return { name, ok: false, remark: ms(), todo: todo ?? (error instanceof Error ? error.message : String(error)) };
  }
}

async function get(target: Target, path: string, todo: string): Promise<string> {
  const response = await proxiedFetch(target.base + path, {
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw error instanceof Error && error.name === 'TimeoutError' ? error : networkFailure(error, target, false);
  });
  await response.arrayBuffer();
  rejectSkew(response.headers.get('date'));
  if (!response.ok) throw new Error(`HTTP status ${response.status}. ${todo}`);
  return '';
}

/** Rejects a clock that differs from that of the service so far that dates of memories and of certificates are wrong. */
function rejectSkew(date: string | null): void {
  const minutes = date === null ? 0 : Math.round((Date.now() - Date.parse(date)) / 60_000);
  if (Math.abs(minutes) >= SKEW_MINUTES_MAX)
    throw new Error(
      `The clock of this computer is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'ahead' : 'behind'}. Correct it.`,
    );
}

async function initialize(target: Target, version: string): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'whitemagic-doctor', version },
  };
  const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
  let reply = '';
  await post({
    message,
    body: JSON.stringify(message),
    target,
    bridge: { version },
    fetch: proxiedFetch,
    signal: AbortSignal.timeout(timeoutMs),
    onAlive: () => undefined,
    deliver: (line) => {
      reply = line;
    },
  });
  const { result, error } = JSON.parse(reply) as {
    result?: { protocolVersion?: string };
    error?: { message?: string };
  };
  if (!result)
    throw new Failure('bad_response', error?.message ?? 'An error without a message.', { code: 'bad_response' });
  return `MCP ${result.protocolVersion ?? 'version unknown'}`;
}

function from(place: string | undefined): string {
  return place ? ` from ${place}` : '';
}
