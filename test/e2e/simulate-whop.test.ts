import { expect, it, vi } from 'vitest';
import { Client } from '../support/client.ts';
import { runScript, spawnScript } from '../support/run-script.ts';

const SCRIPT = 'scripts/simulate-whop.ts';

it('npm run simulate:whop › lets a user buy a plan, activate a key, call the API, and cancel', async () => {
  const { child, finished, output } = spawnScript(SCRIPT, ['--port', '0']);
  await vi.waitUntil(() => output().includes('The service is'), { timeout: 60_000 });
  const address = (label: string) => new RegExp(`${label} +(http\\S+)`).exec(output())?.[1] as string;
  const [shop, service] = [address('Buy a plan on'), address('The service is')];
  const show = async () => (await fetch(shop)).text();
  const submit = (fields: Record<string, string>) => fetch(shop, { method: 'POST', body: new URLSearchParams(fields) });
  const shown = async (pattern: RegExp) => {
    let found: RegExpExecArray | null = null;
    await vi.waitUntil(async () => {
      found = pattern.exec(await show());
      return found;
    });
    return (found as RegExpExecArray | null)?.[1] as string;
  };

  await submit({ plan: 'plan_pro', email: 'ann@example.com' });
  const claim = await shown(/href="(http[^"]+\/claim\/[^"]+)"/);
  expect(claim.startsWith(service)).toBe(true);
  const revealed = await (await fetch(claim, { method: 'POST', body: new URLSearchParams() })).text();
  const key = /wm_local_[A-Za-z0-9_]+/.exec(revealed)?.[0];
  const api = new Client(service, key);
  expect((await api.post('/memories', { title: 'first', content: 'call' })).status).toBe(201);
  expect((await api.get('/user/me')).body).toMatchObject({ email: 'ann@example.com', plan: 'pro' });

  const membership = await shown(/name="membership" value="(mem_\w+)"/);
  await submit({ action: 'end now', membership });
  await vi.waitUntil(async () => (await api.get('/user/me')).body.status === 'read_only');
  const event = await shown(/name="replay" value="(msg_\w+)"/);
  await submit({ replay: event });
  await shown(/(200, 200)/);

  child.kill('SIGTERM');
  expect((await finished).code).toBe(0);
}, 120_000);

it('npm run simulate:whop › fails in production', async () => {
  const { code, stderr } = await runScript(SCRIPT, [], { NODE_ENV: 'production' });
  expect([code, stderr]).toEqual([1, expect.stringContaining('NODE_ENV=production')]);
});
