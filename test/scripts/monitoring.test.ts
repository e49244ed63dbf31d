import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../api/observability/metrics.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const board = JSON.parse(read('scripts/monitoring/grafana/dashboards/whitemagic.json'));
const rules = parse(read('scripts/monitoring/rules.yml')).groups.flatMap((group: { rules: unknown[] }) => group.rules);
const variables = new Set(
  [...read('api/config.ts').matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map((match) => match[1] as string),
);

interface AlertTest {
  alertname: string;
  exp_alerts: unknown[];
}

/** Returns the names of the metrics in a text. */
const namesIn = (text: string) => new Set(text.match(/\b(whitemagic|nodejs|process)_[a-z0-9_]+/g));

async function exported(): Promise<Set<string>> {
  const state = { oldestSeconds: 0, emailsWaiting: 0, webhooksWaiting: 0, activeUsers: 0 };
  const ages = { backupAgeSeconds: 1, restoreTestAgeSeconds: 1 };
  const metrics = createMetrics({
    isLimiterDegraded: () => false,
    readBacklog: async () => ({ waiting: 0, reembedding: 0, oldestSeconds: 0 }),
    service: { readState: async () => ({ ...state, ...ages, due: {}, dead: {} }), readPools: () => [] },
  });
  const { body } = await metrics.text();
  return new Set([...body.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] as string));
}

describe('monitoring', () => {
  it('alerts fire for what they are about, and not while the service is healthy', () => {
    const args = ['test', 'rules', 'scripts/monitoring/rules.test.yml'];
    const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd: ROOT, encoding: 'utf8' });
    expect([error, status, status === 0 ? '' : stdout + stderr]).toEqual([undefined, 0, '']);
    const tests = parse(read('scripts/monitoring/rules.test.yml')).tests as { alert_rule_test: AlertTest[] }[];
    const cases = tests.flatMap(({ alert_rule_test: all }) => all);
    const fired = cases.filter(({ exp_alerts: alerts }) => alerts.length > 0).map(({ alertname }) => alertname);
    const silent = cases.filter(({ exp_alerts: alerts }) => alerts.length === 0).map(({ alertname }) => alertname);
    const names = rules.flatMap(({ alert }: { alert?: string }) => alert ?? []);
    expect([new Set(fired), new Set(silent)]).toEqual([new Set(names), new Set(names)]);
  });

  it('names only metrics that the service exports, in the board and in the rules', async () => {
    const known = await exported();
    const used = namesIn(JSON.stringify(board) + JSON.stringify(rules));
    expect(used.size).toBeGreaterThan(20);
    expect([...used].filter((name) => !known.has(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([]);
  });

  it('has a section of the runbook for every alert', () => {
    const runbook = read('docs/runbook.md');
    const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );
    for (const { alert, annotations } of rules) {
      if (!alert) continue;
      const [file, anchor] = annotations.runbook.split('#');
      expect([alert, file, anchors.includes(anchor), runbook.includes(`\`${alert}\``)]).toEqual([
        alert,
        'docs/runbook.md',
        true,
        true,
      ]);
    }
  });
});

describe('deployment files', () => {
  it('set only variables that the service reads', () => {
    const compose = parse(read('docker-compose.yml'), { merge: true });
    expect(Object.keys(compose.services)).toEqual(
      expect.arrayContaining(['api', 'worker', 'caddy', 'postgres', 'redis', 'mail', 'prometheus', 'grafana']),
    );
    const render = parse(read('scripts/deploy/render.yaml'), { merge: true });
    const [, fly = ''] = /\[env\]\n([\s\S]*?)\n\[/.exec(read('scripts/deploy/fly.toml')) ?? [];
    const named = [
      ...Object.keys(compose.services.api.environment),
      ...Object.keys(compose.services.worker.environment),
      ...render.services.flatMap(({ envVars = [] }: { envVars?: { key: string }[] }) => envVars.map(({ key }) => key)),
      ...[...fly.matchAll(/^ *([A-Z_]+) =/gm)].map((match) => match[1]),
    ];
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !variables.has(name))).toEqual([]);
  });

  it('limit the memory of every service, and publish nothing but the proxy beyond this machine', () => {
    const { services } = parse(read('docker-compose.yml'), { merge: true });
    for (const [name, { mem_limit: limit, ports = [] }] of Object.entries<{ mem_limit?: string; ports?: string[] }>(
      services,
    )) {
      expect([name, limit]).toEqual([name, expect.stringMatching(/^\d+[mg]$/)]);
      if (name !== 'caddy')
        for (const port of ports) expect([name, port]).toEqual([name, expect.stringMatching(/^127\.0\.0\.1:/)]);
    }
    for (const name of ['api', 'worker']) expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(services.worker).toMatchObject({ command: ['worker'] });
  });
});
