import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, type Json } from '../support/client.ts';
import { type MainProcess, startMain } from '../support/main-process.ts';
import { runScript } from '../support/run-script.ts';

let dataDir: string;
let service: MainProcess | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-admin-'));
});
afterAll(async () => {
  await service?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function admin(...args: string[]): Promise<Json> {
  const { code, stdout, stderr } = await runScript('scripts/admin.ts', [...args, '--json'], { DATA_DIR: dataDir });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

const refused = async (...args: string[]) => {
  const { code, stderr, stdout } = await runScript('scripts/admin.ts', args, { DATA_DIR: dataDir });
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
};

describe('the operator', () => {
  let before: Json;
  let during: Json;

  it('makes users while the service does not run, and while it does, whose keys work at once', async () => {
    before = await admin('users', 'create', '--email', 'before@example.com', '--plan', 'pro');
    expect(Object.keys(before)).toEqual(['user_id', 'api_key']);
    service = await startMain(dataDir, { EMBEDDER: 'none' });
    during = await admin('users', 'create', '--email', 'during@example.com');
    for (const [made, plan] of [
      [before, 'pro'],
      [during, 'free'],
    ]) {
      const me = await new Client(service.url, made.api_key).get('/user/me');
      expect(me.body).toMatchObject({ id: made.user_id, plan });
    }
  });

  it('lists users and keys, without any key', async () => {
    const users = await admin('users', 'list');
    expect(users.map((user: Json) => user.email)).toEqual([
      'before@example.com',
      'owner@localhost',
      'during@example.com',
    ]);
    const keys = await admin('keys', 'list', '--user', 'before@example.com');
    expect(keys).toMatchObject([{ name: 'Default API Key', prefix: 'wm_local_', last4: before.api_key.slice(-4) }]);
    expect(JSON.stringify([users, keys])).not.toContain(before.api_key);
  });

  it('changes a plan and overrides limits, which hold for the next call', async () => {
    const api = new Client(service?.url as string, during.api_key);
    expect((await api.get('/stats')).body.code).toBe('plan_required');
    await admin('users', 'set-plan', '--user', during.user_id, '--plan', 'starter');
    expect((await api.get('/stats')).status).toBe(200);
    await admin('users', 'set-override', '--user', 'during@example.com', '--requests-per-minute', '7');
    expect((await api.get('/user/me')).body.limits.requests_per_minute).toBe(7);
  });

  it('makes keys with fewer scopes and revokes any key, which is refused at once', async () => {
    const made = await admin(
      'keys',
      'create',
      '--user',
      before.user_id,
      '--name',
      'reader',
      '--scopes',
      'account:read',
    );
    const api = new Client(service?.url as string, made.api_key);
    expect((await api.get('/user/me')).status).toBe(200);
    expect((await api.get('/stats')).body.code).toBe('scope_required');
    await admin('keys', 'revoke', '--key', made.key_id);
    expect((await api.get('/user/me')).status).toBe(401);
  });

  it('deletes an account, brings it back while it may, and purges one at once', async () => {
    const made = await admin('users', 'create', '--email', 'leaver@example.com', '--plan', 'pro');
    const api = new Client(service?.url as string, made.api_key);
    expect(await admin('users', 'delete', '--user', 'leaver@example.com')).toMatchObject({ status: 'closing' });
    expect((await api.get('/stats')).body.code).toBe('account_closing');
    expect(await admin('users', 'restore', '--user', made.user_id)).toMatchObject({ status: 'active', purge_at: null });
    expect((await api.get('/stats')).status).toBe(200);
    await admin('users', 'delete', '--user', made.user_id, '--immediate');
    expect((await api.get('/user/me')).status).toBe(401);
    const left = async () => (await admin('users', 'list')).map(({ email }: Json) => email);
    await vi.waitFor(async () => expect(await left()).not.toContain('leaver@example.com'), { timeout: 20_000 });
    const receipts = await admin('receipts', 'list');
    expect(receipts).toMatchObject([{ user_id: made.user_id, reason: 'asked', counts: { memories: 0, keys: 1 } }]);
  });

  it('is told what is wrong with a command, which then changes nothing', async () => {
    expect(await refused('users', 'create', '--email', 'nobody')).toContain('→ at email');
    expect(await refused('users', 'set-plan', '--user', before.user_id, '--plan', 'gold')).toContain('→ at plan');
    expect(await refused('users', 'set-plan', '--user', 'x@example.com', '--plan', 'pro')).toContain(
      'no user with the address',
    );
    expect(await refused('keys', 'revoke', '--key', before.user_id)).toContain('no API key');
    expect(await refused('launch')).toContain('Usage:');
    expect((await admin('users', 'list')).length).toBe(3);
  });
});
