import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSession } from '../../api/auth/sessions.ts';
import { connect } from '../../db/client/database.ts';
import { findEmbedded } from '../../db/embedded/start.ts';
import { Client, type Json } from '../support/client.ts';
import { type MainProcess, startMain } from '../support/main-process.ts';
import { copyPreparedDataDir } from '../support/prepared-data-dir.ts';
import { runScript } from '../support/run-script.ts';

let dataDir: string;
let service: MainProcess | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-admin-'));
  await copyPreparedDataDir(dataDir);
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

const failing = async (...args: string[]) => {
  const { code, stderr, stdout } = await runScript('scripts/admin.ts', args, { DATA_DIR: dataDir });
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
};

/** Signs a browser of a user in. Returns its cookie, and a function that returns what was audited of operators. */
async function openSessionOf(userId: string) {
  const url = await findEmbedded(dataDir);
  const database = connect({ url: url as string, onError: () => undefined });
  const context = { now: () => new Date(), newId: () => uuidv7() };
  const browser = { formerSession: undefined, label: 'Test browser' };
  const cookie = await database.ownerWrite((sql) => openSession({ ...context, sql }, userId, browser, 'local'));
  const stop = async () => {
    const { rows } = await database.owner.query(
      `select details from audit_log where user_id = $1 and action = 'users.set_operator' and actor = 'admin' order by id`,
      [userId],
    );
    await database.close();
    return rows.map(({ details }) => details);
  };
  return { value: cookie.value, stop };
}

describe('npm run admin', () => {
  let before: Json;
  let during: Json;

  it('creates users while the service is stopped and while it runs, and their keys work at once', async () => {
    before = await admin('users', 'create', '--email', 'before@example.com', '--plan', 'pro');
    expect(Object.keys(before)).toEqual(['user_id', 'api_key']);
    service = await startMain(dataDir, { EMBEDDER: 'none' });
    during = await admin('users', 'create', '--email', 'during@example.com');
    for (const [created, plan] of [
      [before, 'pro'],
      [during, 'free'],
    ]) {
      const me = await new Client(service.url, created.api_key).get('/user/me');
      expect(me.body).toMatchObject({ id: created.user_id, plan });
    }
  });

  it('lists users and keys without the secrets', async () => {
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

  it('changes a plan and limits, effective for the next call', async () => {
    const api = new Client(service?.url as string, during.api_key);
    expect((await api.get('/stats')).body.code).toBe('plan_required');
    await admin('users', 'set-plan', '--user', during.user_id, '--plan', 'starter');
    expect((await api.get('/stats')).status).toBe(200);
    await admin('users', 'set-override', '--user', 'during@example.com', '--requests-per-minute', '7');
    expect((await api.get('/user/me')).body.limits.requests_per_minute).toBe(7);
  });

  it('creates keys with fewer scopes, and revokes any key, effective at once', async () => {
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

  it('makes an account an operator, and no longer, effective for its next call and audited', async () => {
    const url = service?.url as string;
    const { value, stop } = await openSessionOf(before.user_id);
    const browser = new Client(url, undefined, { Cookie: `wm_session=${value}`, Origin: url });
    expect((await browser.get('/user/me')).body.is_operator).toBe(false);
    expect((await browser.get('/admin/overview')).status).toBe(404);
    const made = await admin('users', 'set-operator', '--user', 'before@example.com');
    expect(made).toEqual({ user_id: before.user_id, operator: true });
    expect((await browser.get('/user/me')).body.is_operator).toBe(true);
    expect((await browser.get('/admin/overview')).status).toBe(200);
    expect((await new Client(url, before.api_key).get('/user/me')).body.is_operator).toBe(false);
    await admin('users', 'set-operator', '--user', before.user_id, '--off');
    expect((await browser.get('/admin/overview')).status).toBe(404);
    expect(await stop()).toEqual([{ operator: true }, { operator: false }]);
  });

  it('deletes and restores an account, and purges one at once', async () => {
    const made = await admin('users', 'create', '--email', 'leaver@example.com', '--plan', 'pro');
    const api = new Client(service?.url as string, made.api_key);
    expect(await admin('users', 'delete', '--user', 'leaver@example.com')).toMatchObject({ status: 'closing' });
    expect((await api.get('/stats')).body.code).toBe('account_closing');
    expect(await admin('users', 'restore', '--user', made.user_id)).toMatchObject({ status: 'active', purge_at: null });
    expect((await api.get('/stats')).status).toBe(200);
    await admin('users', 'delete', '--user', made.user_id, '--immediate');
    expect((await api.get('/user/me')).status).toBe(401);
    const emails = async () => (await admin('users', 'list')).map(({ email }: Json) => email);
    await vi.waitFor(async () => expect(await emails()).not.toContain('leaver@example.com'), { timeout: 20_000 });
    const receipts = await admin('receipts', 'list');
    expect(receipts).toMatchObject([{ user_id: made.user_id, reason: 'asked', counts: { memories: 0, keys: 1 } }]);
  });

  it('reports an invalid command, and changes nothing', async () => {
    expect(await failing('users', 'create', '--email', 'invalid')).toContain('→ at email');
    expect(await failing('users', 'set-plan', '--user', before.user_id, '--plan', 'gold')).toContain('→ at plan');
    expect(await failing('users', 'set-plan', '--user', 'x@example.com', '--plan', 'pro')).toContain(
      'no user with the address',
    );
    expect(await failing('keys', 'revoke', '--key', before.user_id)).toContain('no API key');
    expect(await failing('launch')).toContain('Usage:');
    expect((await admin('users', 'list')).length).toBe(3);
  });
});
