import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import { SUITES } from './baseline.ts';
import { startFixtures, startProxy, type Target } from './targets.ts';
import { installPackages, runOnNewerNode } from './tools.ts';

let modules: string;
let service: TestService;
let fixtures: Awaited<ReturnType<typeof startFixtures>>;
let proxies: { service: Target; fixtures: Target };

beforeAll(async () => {
  modules = await installPackages('suites');
  service = await startTestService();
  fixtures = await startFixtures();
  const { apiKey } = await service.newUser();
  proxies = {
    service: await startProxy(service.url, apiKey),
    fixtures: await startProxy(fixtures.url, fixtures.apiKey),
  };
}, 400_000);
afterAll(async () => {
  for (const target of [proxies?.service, proxies?.fixtures, fixtures]) target?.close();
  await service?.stop();
});

interface Check {
  id: string;
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  errorMessage?: string;
}

/** Runs a suite. Returns the checks of each scenario. */
async function runSuite(target: Target, suite: (typeof SUITES)[number]): Promise<Map<string, Check[]>> {
  const output = await mkdtemp(join(tmpdir(), 'whitemagic-conformance-'));
  try {
    const url = target.url.replace('127.0.0.1', 'localhost');
    const args = ['server', '--url', url, ...suite.args, '-o', output];
    await runOnNewerNode(modules, join(suite.package, 'dist', 'index.js'), args, 240_000);
    const results = new Map<string, Check[]>();
    for (const folder of await readdir(output)) {
      const scenario = folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
      results.set(scenario, JSON.parse(await readFile(join(output, folder, 'checks.json'), 'utf8')));
    }
    return results;
  } finally {
    await rm(output, { recursive: true });
  }
}

/** Checks that every response is valid, whatever it says: a scenario that has no other success has shown nothing. */
const GENERAL = ['wire-schema-valid'];

/**
 * Returns the scenarios that did not pass, and for those that passed in part, the checks that did not (`scenario: check`). A
 * scenario passes when at least one check of its own succeeds, and none fails, warns or is skipped.
 */
function notPassed(results: Map<string, Check[]>, baseline: Readonly<Record<string, string>>): string[] {
  return [...results].flatMap(([scenario, checks]) => {
    const missed = checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO');
    const succeeded = checks.filter(({ id, status }) => status === 'SUCCESS' && !GENERAL.includes(id));
    if (missed.length === 0 && succeeded.length > 0) return [];
    const isListedByCheck = Object.keys(baseline).some((entry) => entry.startsWith(`${scenario}: `));
    return isListedByCheck ? missed.map(({ id }) => `${scenario}: ${id}`) : [scenario];
  });
}

describe.each(SUITES)('MCP conformance, $title', (suite) => {
  it('passes on the transport with fixtures, except for the baseline', { timeout: 250_000 }, async () => {
    const results = await runSuite(proxies.fixtures, suite);
    expect(results.size).toBe(suite.scenarios);
    expect(notPassed(results, suite.baseline).sort()).toEqual(Object.keys(suite.baseline).sort());
  });

  it('passes on the service, as far as no fixtures are needed', { timeout: 250_000 }, async () => {
    const results = await runSuite(proxies.service, suite);
    const failed = new Set(notPassed(results, {}));
    const passed = [...results.keys()].filter((scenario) => !failed.has(scenario));
    expect(suite.onService.filter((scenario) => !passed.includes(scenario))).toEqual([]);
  });
});
