import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

async function ask(memories: object[], input: object): Promise<Json> {
  user = await node.newUser();
  for (const memory of memories) expect((await user.api.post('/memories', memory)).status).toBe(201);
  return (await user.api.post('/context', input)).body;
}

const filler = (topic: string, lines: number) =>
  Array.from({ length: lines }, (_, i) => `Line ${i} of the ${topic} chronicle tells of weather and harvest.`).join(
    '\n',
  );

describe('a package for a question', () => {
  it('says what is the same once, and what differs in a number twice', async () => {
    const steps =
      'restart the gateway, then drain the queue, then watch the dashboard for ten minutes before you leave';
    const answer = await ask(
      [
        { title: 'Gateway runbook', content: `When the gateway hangs: ${steps}.` },
        { title: 'Gateway runbook', content: `When the gateway hangs: ${steps}!` },
        { title: 'Gateway runbook', content: `When the gateway hangs on port 8443: ${steps}.` },
      ],
      { query: 'gateway hangs', max_tokens: 2_000 },
    );
    expect(answer.memory_ids).toHaveLength(2);
    expect(answer.context).toContain('8443');
    expect(answer.truncated).toBe(true);
  });

  it('passes over a long memory that does not fit, takes the short ones behind it, and its best passage last', async () => {
    const long = `${filler('river', 200)}\nThe ferry password hint is behind the mill.\n${filler('river', 200)}`;
    const answer = await ask(
      [
        { title: 'Ferry', content: long },
        { title: 'Ferry times', content: 'The ferry leaves at seven.' },
        { title: 'Ferry owner', content: 'The ferry belongs to Marta.' },
      ],
      { query: 'ferry password hint', max_tokens: 400 },
    );
    expect(answer.tokens).toBeLessThanOrEqual(400);
    expect(answer.memory_ids).toHaveLength(3);
    expect(answer.context).toContain('leaves at seven');
    expect(answer.context).toContain('belongs to Marta');
    expect(answer.context).toContain('behind the mill');
  });
});
