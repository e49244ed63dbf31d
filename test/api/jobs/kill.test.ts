import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freeLostJobs } from '../../../db/queries/jobs/job-leases.ts';
import { Client } from '../../support/client.ts';
import { type JobFixture, openJobFixture, PUBLIC_URL } from '../../support/job-fixture.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { spawnScript } from '../../support/run-script.ts';
import { startTestService } from '../../support/service.ts';

vi.setConfig({ testTimeout: 90_000 });

let bench: JobFixture;
let sink: MailSink;
let children: ReturnType<typeof spawnScript>[] = [];

beforeEach(async () => {
  [bench, sink] = await Promise.all([openJobFixture(), startMailSink()]);
});
afterEach(async () => {
  for (const child of children) await kill(child);
  children = [];
  await Promise.all([bench.close(), sink.close()]);
});

/** Starts `npm run worker` as a process of its own. */
function spawnWorker(): ReturnType<typeof spawnScript> {
  const child = spawnScript('api/jobs/main.ts', [], {
    DATABASE_URL: bench.url,
    SMTP_URL: sink.url,
    DATA_DIR: bench.dataDir,
    LOG_LEVEL: 'error',
    PUBLIC_URL,
  });
  children.push(child);
  return child;
}

async function kill({ child, finished }: ReturnType<typeof spawnScript>): Promise<void> {
  child.kill('SIGKILL');
  await finished;
}

describe('e-mail whose worker is killed', () => {
  it('before sending it is sent once by the next worker', async () => {
    // The node that creates the key runs no jobs and is killed before a worker starts.
    const user = await userOf(bench.url);
    const node = spawnScript('api/main.ts', [], {
      DATABASE_URL: bench.url,
      PORT: '0',
      JOBS: 'off',
      DATA_DIR: bench.dataDir,
    });
    children.push(node);
    await vi.waitUntil(() => node.output().includes('"api":"http'), { timeout: 30_000 });
    const url = /"api":"(http[^"]+)\/api\/v1"/.exec(node.output())?.[1] as string;
    const made = await new Client(url, user).post('/user/keys', { name: 'laptop' });
    expect(made.status).toBe(201);
    await kill(node);
    expect(sink.received).toEqual([]);

    await bench.startWorker(sink.url);
    await bench.settled();
    expect(sink.received).toMatchObject([{ to: ['eve@example.com'] }]);
  });

  it('while sending it, before the server accepted it, is sent once by the next worker within seconds', async () => {
    const release = sink.hold();
    const first = spawnWorker();
    const id = await bench.post();
    await vi.waitUntil(() => sink.offered() === 1, { timeout: 30_000 });
    await kill(first);
    // The pending delivery is lost with the connection.
    sink.behave(451);
    release();
    await delay(100);
    sink.behave('accept');

    const before = Date.now();
    await bench.startWorker(sink.url);
    await bench.settled(30_000);
    // graphile-worker alone would wait four hours for the dead worker.
    expect(Date.now() - before).toBeLessThan(20_000);
    expect(sink.received.map((mail) => mail.messageId)).toEqual([`<${id}@whitemagic>`]);
  });

  it('after the server accepted it, before it was marked as sent, is sent again with the same Message-ID', async () => {
    const release = sink.hold();
    const first = spawnWorker();
    const id = await bench.post();
    await vi.waitUntil(() => sink.offered() === 1, { timeout: 30_000 });
    await kill(first);
    release();
    await vi.waitUntil(() => sink.received.length === 1);

    await bench.startWorker(sink.url);
    await bench.settled(30_000);
    expect(sink.received.map((mail) => mail.messageId)).toEqual([`<${id}@whitemagic>`, `<${id}@whitemagic>`]);
    expect(sink.received[0]?.source.replace(/boundary.*|--.*/g, '')).toBe(
      sink.received[1]?.source.replace(/boundary.*|--.*/g, ''),
    );
  });

  it('is taken over by a running worker, which keeps its own jobs', async () => {
    const release = sink.hold();
    await bench.startWorker(sink.url);
    const kept = [await bench.post(), await bench.post()];
    await vi.waitUntil(() => sink.offered() === 2, { timeout: 30_000 });
    // The running worker is busy with two jobs, so the other worker fetches these.
    const killed = spawnWorker();
    const lost = [await bench.post(), await bench.post()];
    await vi.waitUntil(() => sink.offered() === 4, { timeout: 30_000 });
    await kill(killed);
    await vi.waitUntil(async () => (await bench.jobs()).filter((job) => job.locked_by).length === 2, {
      timeout: 20_000,
    });
    // The next sweep, also by another worker, leaves the live worker its jobs, however long they take.
    await bench.database.ownerWrite(freeLostJobs);
    expect((await bench.jobs()).filter((job) => job.locked_by)).toHaveLength(2);
    release();
    await bench.settled(30_000);
    const count = (id: string) => sink.received.filter((mail) => mail.messageId === `<${id}@whitemagic>`).length;
    expect(kept.map(count)).toEqual([1, 1]);
    // The killed worker's deliveries were accepted after its death, then repeated.
    expect(lost.map(count)).toEqual([2, 2]);
  });
});

describe('workers that are killed repeatedly', () => {
  it('lose none of a hundred e-mails', async () => {
    const posted: string[] = [];
    for (let round = 0; round < 5; round++) {
      const worker = spawnWorker();
      const accepted = sink.received.length;
      for (let n = 0; n < 20; n++) posted.push(await bench.post());
      await vi.waitUntil(() => sink.received.length > accepted, { timeout: 30_000, interval: 1 });
      await delay(randomInt(0, 60));
      await kill(worker);
    }
    await bench.startWorker(sink.url);
    await bench.settled(30_000);
    const ids = new Set(sink.received.map((mail) => mail.messageId));
    expect([...ids].sort()).toEqual(posted.map((id) => `<${id}@whitemagic>`).sort());
    const sent = await bench.sql.query('select from outbox where sent_at is null');
    expect(sent.rowCount).toBe(0);
    console.log(`5 kills: ${posted.length} e-mails, ${sink.received.length} deliveries, none lost`);
  });
});

/** Creates a user with an e-mail address and returns the key. */
async function userOf(databaseUrl: string): Promise<string> {
  const node = await startTestService({ databaseUrl });
  const { apiKey } = await node.newUser({ email: 'eve@example.com' });
  await node.stop();
  return apiKey;
}
