import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deliver } from '../../../api/mail/deliver.ts';
import { openMailTransport } from '../../../api/mail/transport.ts';
import { type JobFixture, KEY_CREATED, openJobFixture, PUBLIC_URL } from '../../support/job-fixture.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { startTestService } from '../../support/service.ts';

let bench: JobFixture;
let sink: MailSink;

beforeEach(async () => {
  [bench, sink] = await Promise.all([openJobFixture(), startMailSink()]);
});
afterEach(async () => {
  await Promise.all([bench.close(), sink.close()]);
});

describe('e-mail', () => {
  it('is sent to its recipient with its own Message-ID once its transaction commits, and is marked as sent', async () => {
    await bench.startWorker(sink.url);
    const id = await bench.post();
    await vi.waitUntil(() => sink.received.length > 0, { timeout: 5_000 });
    await bench.settled();
    expect(sink.received).toEqual([
      { messageId: `<${id}@whitemagic>`, to: ['ann@example.com'], source: expect.stringContaining('laptop') },
    ]);
    expect(await outbox(id)).toMatchObject({ sent_at: expect.any(Date), rejected_at: null, last_error: null });
  });

  it('has the address of the support for replies, and the plan in the subject', async () => {
    const supportEmail = 'help@example.com';
    const config = { smtpUrl: sink.url, mailFrom: 'noreply@example.com', dataDir: '', supportEmail };
    const transport = openMailTransport(config);
    const id = await bench.post();
    await bench.database.ownerWrite((sql) => deliver(sql, transport, PUBLIC_URL, bench.userId, id));
    transport.close();
    const { plan } = (await bench.database.owner.query('select plan from users where id = $1', [bench.userId])).rows[0];
    const [sent] = sink.received;
    expect(sent?.source).toMatch(/^Reply-To: help@example\.com$/m);
    expect(sent?.source.replaceAll('\r\n ', ' ')).toMatch(new RegExp(`^Subject: .*\\[${plan}\\]`, 'm'));
  });

  it('of a transaction that rolls back is never sent', async () => {
    await bench.startWorker(sink.url);
    const lost = bench.database.write(bench.userId, async (sql) => {
      await bench.post({ sql });
      throw new Error('rolled back');
    });
    await expect(lost).rejects.toThrow('rolled back');
    expect(await bench.jobs()).toEqual([]);
    const sent = await bench.post();
    await bench.settled();
    await delay(200);
    expect(sink.received.map((mail) => mail.messageId)).toEqual([`<${sent}@whitemagic>`]);
  });

  it('is sent once when two workers share a hundred', async () => {
    await Promise.all([bench.startWorker(sink.url), bench.startWorker(sink.url)]);
    const ids = await Promise.all(Array.from({ length: 100 }, () => bench.post()));
    await bench.settled();
    expect(sink.received.map((mail) => mail.messageId).sort()).toEqual(ids.map((id) => `<${id}@whitemagic>`).sort());
  });

  it('is sent once when its job runs twice', async () => {
    await bench.startWorker(sink.url);
    const id = await bench.post();
    await bench.settled();
    await again(id);
    await bench.settled();
    expect(sink.received).toHaveLength(1);
  });

  it('is retried with the same Message-ID after a temporary rejection (4xx)', async () => {
    sink.behave(451);
    await bench.startWorker(sink.url);
    const id = await bench.post();
    await vi.waitUntil(() => sink.offered() > 0, { timeout: 5_000 });
    sink.behave('accept');
    await bench.settled();
    expect(sink.received.map((mail) => mail.messageId)).toEqual([`<${id}@whitemagic>`]);
    expect(await outbox(id)).toMatchObject({ sent_at: expect.any(Date), rejected_at: null });
  });

  it('is retried when the mail server is unavailable', async () => {
    const gone = await startMailSink();
    await gone.close();
    await bench.startWorker(gone.url);
    const id = await bench.post();
    await vi.waitUntil(async () => (await bench.jobs())[0]?.last_error, { timeout: 5_000 });
    const [job] = await bench.jobs();
    expect(job).toMatchObject({ attempts: 1, max_attempts: 25, last_error: expect.stringContaining('ECONNREFUSED') });
    expect(job?.run_at.getTime()).toBeGreaterThan(Date.now());
    expect(await outbox(id)).toMatchObject({ sent_at: null, rejected_at: null });
  });

  it('is not retried after a permanent rejection (5xx), which is stored with its reason', async () => {
    sink.behave(550);
    await bench.startWorker(sink.url);
    const id = await bench.post();
    await bench.settled();
    await again(id);
    await bench.settled();
    expect(await bench.jobs()).toEqual([]);
    expect(sink.offered()).toBe(1);
    const row = await outbox(id);
    expect(row).toMatchObject({ sent_at: null, rejected_at: expect.any(Date) });
    expect(row.last_error).toContain('550');
  });
});

describe('file transport', () => {
  it('writes one file per e-mail with mode 0600, also when the job runs twice', async () => {
    await bench.startWorker();
    const id = await bench.post();
    await bench.settled();
    const file = join(bench.dataDir, 'outbox', `${id}.eml`);
    const first = await stat(file);
    expect(first.mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^To: ann@example\.com\r?$/m);
    expect(text).toMatch(new RegExp(`^Message-ID: <${id}@whitemagic>\r?$`, 'm'));

    await again(id);
    await bench.settled();
    expect((await stat(file)).ino).toBe(first.ino);
    // Also when the process was killed after sending the e-mail and before marking it as sent.
    await bench.sql.query('update outbox set sent_at = null, data = $1', [JSON.stringify(KEY_CREATED)]);
    await again(id);
    await bench.settled();
    expect(await readdir(join(bench.dataDir, 'outbox'))).toEqual([`${id}.eml`]);
    expect(await readFile(file, 'utf8')).toMatch(new RegExp(`^Message-ID: <${id}@whitemagic>\r?$`, 'm'));
  });
});

describe('job that always fails', () => {
  it('becomes a dead letter with its error and does not delay other jobs', async () => {
    await bench.startWorker(sink.url);
    const poison = await bench.post({ template: 'no_such_template' });
    const good = await bench.post();
    // The 25 attempts take three days; here the next one is the last.
    await vi.waitUntil(async () => (await bench.jobs()).some((job) => job.last_error), { timeout: 5_000 });
    await bench.sql.query('update graphile_worker._private_jobs set attempts = max_attempts - 1, run_at = now()');
    await bench.settled();
    expect(await bench.jobs()).toMatchObject([
      {
        task: 'send_mail',
        attempts: 25,
        max_attempts: 25,
        locked_by: null,
        last_error: 'no mail template no_such_template',
      },
    ]);
    expect(sink.received.map((mail) => mail.messageId)).toEqual([`<${good}@whitemagic>`]);
    expect(await outbox(poison)).toMatchObject({ sent_at: null });
  });
});

describe('job worker', () => {
  it('continues after the server terminates all its connections, repeatedly', async () => {
    await bench.startWorker(sink.url);
    for (let round = 1; round <= 3; round++) {
      await bench.sql.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = current_user and pid <> pg_backend_pid()',
      );
      await vi.waitFor(() => bench.post(), { timeout: 5_000, interval: 50 });
      await vi.waitUntil(() => sink.received.length === round, { timeout: 15_000 });
    }
  });

  it('starts a new run after an outage that ended its run', async () => {
    const worker = await bench.startWorker(sink.url);
    const name = new URL(bench.url).pathname.slice(1);
    // Rejects connections for longer than graphile-worker retries.
    await bench.sql.query(`alter database ${name} connection limit 0`);
    const end = Date.now() + 6_000;
    while (Date.now() < end) {
      await bench.sql.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = current_user and pid <> pg_backend_pid()',
      );
      await delay(20);
    }
    await bench.sql.query(`alter database ${name} connection limit -1`);
    await vi.waitFor(() => bench.post(), { timeout: 10_000, interval: 50 });
    await vi.waitUntil(() => sink.received.length === 1, { timeout: 20_000 });
    await worker.stop();
  }, 60_000);

  it('finishes a running job when it is stopped', async () => {
    const worker = await bench.startWorker(sink.url);
    const release = sink.hold();
    const id = await bench.post();
    await vi.waitUntil(() => sink.offered() > 0, { timeout: 5_000 });
    let stopped = false;
    const stopping = worker.stop().then(() => {
      stopped = true;
    });
    await delay(300);
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(sink.received).toHaveLength(1);
    expect(await outbox(id)).toMatchObject({ sent_at: expect.any(Date) });
    expect(await bench.jobs()).toEqual([]);
  });

  it('gives up after five seconds when it is stopped while the mail server does not respond, and leaves the e-mail unsent', async () => {
    const worker = await bench.startWorker(sink.url);
    sink.hold();
    const id = await bench.post();
    await vi.waitUntil(() => sink.offered() > 0, { timeout: 5_000 });
    const before = Date.now();
    await worker.stop();
    expect(Date.now() - before).toBeLessThan(8_000);
    expect(await outbox(id)).toMatchObject({ sent_at: null });
    expect(await bench.jobs()).toMatchObject([
      { attempts: 1, locked_by: null, last_error: expect.stringContaining('stopped') },
    ]);
  });
});

describe('new API key', () => {
  it('is announced to the owner by e-mail without the key, if the account has an address', async () => {
    const node = await startTestService({ jobs: true });
    const ann = await node.newUser({ email: 'ann@example.com' });
    const bob = await node.newUser();
    const [made] = await Promise.all([
      ann.api.post('/user/keys', { name: 'Laptop "one" <b>' }),
      bob.api.post('/user/keys', { name: 'other' }),
    ]);
    expect(made.status).toBe(201);
    const folder = join(node.dataDir, 'outbox');
    const files = () => readdir(folder).catch(() => []);
    await vi.waitUntil(async () => (await files()).some((name) => name.endsWith('.eml')), { timeout: 5_000 });
    await delay(200);
    const names = await files();
    expect(names).toHaveLength(1);
    const text = (await readFile(join(folder, names[0] as string), 'utf8'))
      .replaceAll('=\r\n', '')
      .replaceAll('=3D', '=');
    expect(text).toMatch(/^To: ann@example\.com\r?$/m);
    expect(text).toMatch(/^Subject: A new API key was created for your WhiteMagic account\r?$/m);
    expect(text).toContain(made.body.last4);
    expect(text).toContain('Laptop &quot;one&quot; &lt;b&gt;');
    expect(text).not.toContain(made.body.api_key);
    await node.stop();
  });
});

async function outbox(id: string) {
  return (await bench.sql.query('select * from outbox where id = $1', [id])).rows[0];
}

/** Enqueues the job of an e-mail again. */
async function again(id: string): Promise<void> {
  await bench.sql.query(
    "select graphile_worker.add_job('send_mail', json_build_object('user_id', $1::text, 'id', $2::text))",
    [bench.userId, id],
  );
}
