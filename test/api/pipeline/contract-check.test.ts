import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { create, get } from '../../../api/contracts/memories.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const MISSING = '019ab0c0-0000-7000-8000-000000000000';
const NOTE = { title: 'Deploys', content: 'We deploy on Fridays.' };

let development: TestService;
let production: TestService;
let user: TestUser;
const restore: (() => void)[] = [];

beforeAll(async () => {
  development = await startTestService();
  production = await startTestService({ databaseUrl: development.databaseUrl, production: true });
  user = await development.newUser();
});
afterEach(() => {
  for (const undo of restore.splice(0)) undo();
});
afterAll(async () => {
  await production.stop();
  await development.stop();
});

/** Changes a declaration until the end of the test. */
function redeclare<Declared extends object>(declared: Declared, changes: Record<string, unknown>): void {
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, declared[name as keyof Declared]]));
  Object.assign(declared, changes);
  restore.push(() => Object.assign(declared, before));
}

const send = (node: TestService, method: string, path: string, body?: object) =>
  fetch(`${node.url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${user.apiKey}`, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });

describe('contract check', () => {
  it('fails a call that returns an undeclared status outside production, and rolls its write back', async () => {
    redeclare(create.http, { status: () => 202 });
    const response = await send(development, 'POST', '/memories', NOTE);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
    expect((await user.api.get('/memories')).body.total).toBe(0);
  });

  it('fails a call that throws an undeclared error code outside production', async () => {
    redeclare(get, { errors: [] });
    const response = await send(development, 'GET', `/memories/${MISSING}`);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
  });

  it('logs which operation violated its contract and how', async () => {
    redeclare(get, { errors: [] });
    const written = vi.spyOn(fs, 'writeSync').mockImplementation((_file, text) => Buffer.byteLength(String(text)));
    const logging = await startTestService({ databaseUrl: development.databaseUrl, logLevel: 'error' });
    await send(logging, 'GET', `/memories/${MISSING}`);
    await logging.stop();
    const log = written.mock.calls.join('\n');
    written.mockRestore();
    expect(log).toContain('memories.get threw not_found, which its contract does not declare');
  });

  it('serves undeclared statuses and error codes in production', async () => {
    redeclare(create.http, { status: () => 202 });
    redeclare(get, { errors: [] });
    expect((await send(production, 'POST', '/memories', NOTE)).status).toBe(202);
    const missing = await send(production, 'GET', `/memories/${MISSING}`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: 'not_found' });
  });
});
