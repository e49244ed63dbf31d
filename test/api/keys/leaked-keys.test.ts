import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PUBLIC_OPERATIONS } from '../../../api/contracts/index.ts';
import { generateKey } from '../../../api/keys/key-format.ts';
import { secretScanning } from '../../../api/keys/secret-scanning.ts';
import { Client } from '../../support/client.ts';
import { startGithub, type TestGithub } from '../../support/github.ts';
import { type MailParts, mailParts } from '../../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { expectProblem, loadOpenApi } from '../../support/openapi.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let github: TestGithub;
let sink: MailSink;
let node: TestService;

beforeAll(async () => {
  [github, sink] = await Promise.all([startGithub(), startMailSink()]);
  node = await startTestService({ jobs: true, smtpUrl: sink.url, githubMetaUrl: github.url });
});
afterAll(async () => {
  await node.stop();
  await Promise.all([github.close(), sink.close()]);
});

let count = 0;
const LEAKED_AT = 'https://github.com/example/repository/blob/main/.env#L3';

interface Victim extends TestUser {
  email: string;
  /** A second key, which is leaked. */
  leaked: string;
  keyId: string;
}

async function newVictim(): Promise<Victim> {
  const email = `victim-${++count}@example.com`;
  const user = await node.newUser({ email });
  const { body } = await user.api.post('/user/keys', { name: 'In the repository' });
  const victim = { ...user, email, leaked: body.api_key, keyId: body.id };
  expect((await meWith(victim)).status).toBe(200);
  return victim;
}

const meWith = ({ leaked }: Victim) => new Client(node.url, leaked).get('/user/me');
const report = (body: unknown) => new Client(node.url).post('/keys/leaked', body);

/** Sends a report as GitHub does; `headers` replace its signature. */
function scan(findings: unknown, headers?: Record<string, string>) {
  const body = typeof findings === 'string' ? findings : JSON.stringify(findings);
  return new Client(node.url).post(`${node.url}/webhooks/github/secret-scanning`, body, headers ?? github.sign(body));
}
const finding = (token: string) => ({ token, type: 'whitemagic_api_key', url: LEAKED_AT, source: 'content' });
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');

async function emailsTo(email: string): Promise<MailParts[]> {
  const all = sink.received.filter(({ to }) => to.includes(email)).map(({ source }) => mailParts(source));
  return all.filter(({ subject }) => subject.includes('was public'));
}

async function auditOf({ userId, keyId }: Victim) {
  const { rows } = await node.service.database.owner.query(
    "select actor, details from audit_log where user_id = $1 and target = $2 and action = 'keys.revoke'",
    [userId, keyId],
  );
  return rows;
}

describe('POST /keys/leaked', () => {
  it('revokes a valid key before it responds, audits that, and e-mails the owner without the key', async () => {
    const victim = await newVictim();
    const answer = await report({ api_key: victim.leaked });
    expect([answer.status, answer.body]).toEqual([202, { received: true }]);
    expectProblem(await meWith(victim), 401, 'unauthenticated');
    expect((await victim.api.get('/user/me')).status).toBe(200);
    expect(await auditOf(victim)).toEqual([{ actor: 'leak:public', details: { leaked_at: null } }]);
    await vi.waitFor(async () => expect(await emailsTo(victim.email)).toHaveLength(1));
    const [email] = await emailsTo(victim.email);
    expect(email?.text).toContain(`"In the repository" (wm_test_…${victim.leaked.slice(-4)})`);
    expect(JSON.stringify(email)).not.toContain(victim.leaked);
  });

  it('returns the same response for a revoked, an unknown, a mistyped and a malformed key, and changes nothing', async () => {
    const victim = await newVictim();
    const first = await report({ api_key: victim.leaked });
    const mistyped = victim.leaked.slice(0, -1) + (victim.leaked.endsWith('a') ? 'b' : 'a');
    const openApi = await loadOpenApi(node.url);
    const operation = PUBLIC_OPERATIONS.find(({ id }) => id === 'keys.leaked');
    for (const api_key of [victim.leaked, generateKey('test'), mistyped, 'nonsense', '', "' or true --"]) {
      const answer = await report({ api_key });
      openApi.check(operation as never, answer);
      expect([answer.status, answer.text]).toEqual([first.status, first.text]);
      expect([...answer.headers.keys()]).toEqual([...first.headers.keys()]);
    }
    expect(await auditOf(victim)).toHaveLength(1);
    const { rows } = await node.service.database.owner.query(
      "select from outbox where user_id = $1 and template = 'key_revoked_leaked'",
      [victim.userId],
    );
    expect(rows).toHaveLength(1);
  });

  it('revokes once for a hundred concurrent reports', async () => {
    const victim = await newVictim();
    const answers = await Promise.all(Array.from({ length: 100 }, () => report({ api_key: victim.leaked })));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await auditOf(victim)).toHaveLength(1);
  });

  it('rejects a malformed body', async () => {
    for (const body of [{}, { api_key: 7 }, { api_key: 'x', more: 1 }]) {
      expectProblem(await report(body), 400, 'invalid_request');
    }
    expectProblem(await report('{'), 400, 'malformed_request');
  });

  it('counts against the limit of the client IP', async () => {
    const strict = await startTestService({ requestsPerIp: 5 });
    const answers: number[] = [];
    for (let n = 0; n < 7; n++) {
      answers.push((await new Client(strict.url).post('/keys/leaked', { api_key: 'x' })).status);
    }
    expect(answers).toEqual([202, 202, 202, 202, 202, 429, 429]);
    await strict.stop();
  });
});

describe("report of GitHub's secret scanning", () => {
  it('revokes the keys of this service and labels each finding', async () => {
    const victim = await newVictim();
    const strangers = generateKey('test');
    const answer = await scan([finding(victim.leaked), finding(strangers), finding('nonsense')]);
    expect([answer.status, answer.body]).toEqual([
      200,
      [
        { token_hash: hashOf(victim.leaked), token_type: 'whitemagic_api_key', label: 'true_positive' },
        { token_hash: hashOf(strangers), token_type: 'whitemagic_api_key', label: 'false_positive' },
        { token_hash: hashOf('nonsense'), token_type: 'whitemagic_api_key', label: 'false_positive' },
      ],
    ]);
    expectProblem(await meWith(victim), 401, 'unauthenticated');
    expect(await auditOf(victim)).toEqual([{ actor: 'leak:github', details: { leaked_at: LEAKED_AT } }]);
    await vi.waitFor(async () => expect((await emailsTo(victim.email))[0]?.html).toContain(`href="${LEAKED_AT}"`));
    // A key that was revoked before is a true positive too.
    expect((await scan([finding(victim.leaked)])).body[0].label).toBe('true_positive');
    expect(await auditOf(victim)).toHaveLength(1);
  });

  it('without a valid signature is rejected and revokes nothing', async () => {
    const victim = await newVictim();
    const body = JSON.stringify([finding(victim.leaked)]);
    const good = github.sign(body);
    const bad: Record<string, string>[] = [
      {},
      { 'Github-Public-Key-Identifier': good['Github-Public-Key-Identifier'] as string },
      { 'Github-Public-Key-Signature': good['Github-Public-Key-Signature'] as string },
      { ...good, 'Github-Public-Key-Identifier': 'key-77' },
      { ...good, 'Github-Public-Key-Signature': 'AAAA' },
      { ...good, 'Github-Public-Key-Signature': 'no base64 at all' },
      github.sign(`${body} `),
    ];
    for (const headers of bad) expectProblem(await scan(body, headers), 401, 'invalid_signature');
    expect((await meWith(victim)).status).toBe(200);
    expect((await scan(body, good)).status).toBe(200);
  });

  it('that is signed but not a list of findings is rejected', async () => {
    const unusable = [
      JSON.stringify([{ ...finding('x'), url: 'https://a.example/\0' }]),
      `${'['.repeat(400_000)}${']'.repeat(400_000)}`,
    ];
    for (const body of ['{', '{}', '[1]', '[{"token": 7, "type": "x"}]', '', ...unusable]) {
      expectProblem(await scan(body), 400, 'malformed_request');
    }
  });

  it('counts against the limit of the client IP only when it is not signed', async () => {
    const strict = await startTestService({ requestsPerIp: 3, githubMetaUrl: github.url });
    const send = async (headers: Record<string, string>) =>
      (await new Client(strict.url).post(`${strict.url}/webhooks/github/secret-scanning`, '[]', headers)).status;
    for (let n = 0; n < 6; n++) expect(await send(github.sign('[]'))).toBe(200);
    const rejected: number[] = [];
    for (let n = 0; n < 4; n++) rejected.push(await send({}));
    expect(rejected).toEqual([401, 401, 401, 429]);
    await strict.stop();
  });
});

describe("GitHub's public keys", () => {
  it('are fetched once for many reports, again for an unknown identifier, and at most once a minute for invented ones', async () => {
    const published = await startGithub();
    let now = 0;
    const scanning = secretScanning(published.url, () => now);
    const signed = (headers: Record<string, string>) =>
      scanning.isSigned(
        Buffer.from('body'),
        headers['Github-Public-Key-Identifier'] ?? '',
        headers['Github-Public-Key-Signature'] ?? '',
      );
    const many = await Promise.all(Array.from({ length: 20 }, () => signed(published.sign('body'))));
    expect([new Set(many), published.reads()]).toEqual([new Set([true]), 1]);

    const old = published.sign('body');
    published.rotate();
    expect(await signed(published.sign('body'))).toBe(false);
    now += 60_001;
    expect(await signed(published.sign('body'))).toBe(true);
    expect(await signed(old)).toBe(true);
    expect(published.reads()).toBe(2);

    for (let n = 0; n < 50; n++) await signed({ ...old, 'Github-Public-Key-Identifier': `made-up-${n}` });
    expect(published.reads()).toBe(2);
    now += 3_600_001;
    await signed(old);
    expect(published.reads()).toBe(3);
    await published.close();
  });

  it('that are unavailable make a report fail with 503, so that GitHub retries it', async () => {
    const published = await startGithub();
    const away = await startTestService({ githubMetaUrl: published.url });
    const send = () =>
      new Client(away.url).post(`${away.url}/webhooks/github/secret-scanning`, '[]', published.sign('[]'));
    published.behave(500);
    expectProblem(await send(), 503, 'unavailable');
    published.behave('succeed');
    expect((await send()).status).toBe(200);
    await published.close();
    await away.stop();
  });
});
