import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packItems } from '../../../api/context/fit-to-budget.ts';
import type { Item } from '../../../api/context/item.ts';
import { findPassages } from '../../../api/context/passages.ts';
import { createCounter, render } from '../../../api/context/render.ts';
import { countTokens } from '../../../api/tokens/count.ts';
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
  Array.from({ length: lines }, (_, i) => `Line ${i} of the ${topic} chronicle has weather and harvest.`).join('\n');

describe('context package', () => {
  const STEPS = 'restart the gateway, then drain the queue, then watch the dashboard for ten minutes before you leave';
  const runbook = (content: string, more = {}) => ({ title: 'Gateway runbook', content, ...more });

  it('leaves nothing out while the budget allows more, not even repeats', async () => {
    const answer = await ask(
      [
        runbook(`When the gateway hangs: ${STEPS}.`),
        runbook(`When the gateway hangs: ${STEPS}!`),
        runbook(`When the gateway hangs on port 8443: ${STEPS}.`),
      ],
      { query: 'gateway hangs', max_tokens: 2_000 },
    );
    expect(answer.memory_ids).toHaveLength(3);
    expect(answer).toMatchObject({ truncated: false });
    expect(answer.repeats).toBeUndefined();
  });

  it('includes repeats last, and lists those that it leaves out', async () => {
    const [first, second] = [`When the gateway hangs: ${STEPS}.`, `when the gateway hangs:  ${STEPS}!`];
    const answer = await ask(
      [
        runbook(first),
        runbook(second),
        runbook(`${filler('gateway', 2)}\n${first}\nThen call Marta.`),
        { title: 'Pager', content: 'The pager of the gateway is with Ravi this week, and with Nadia the next one.' },
      ],
      { query: 'gateway hangs', max_tokens: 155 },
    );
    expect(answer.context).toContain('call Marta');
    expect(answer.context).toContain('Ravi');
    expect(answer.memory_ids).toHaveLength(2);
    expect(answer.repeats).toHaveLength(2);
    for (const { id, repeat_of } of answer.repeats) {
      expect(answer.memory_ids).toContain(repeat_of);
      expect(answer.memory_ids).not.toContain(id);
    }
    expect(answer.truncated).toBe(false);
  });

  it('includes short memories behind a long one that does not fit, and its best passage last', async () => {
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

  it('includes passages of long memories instead of few whole ones, and more of the best with what is left', async () => {
    const sites = Array.from({ length: 8 }, (_, site) => ({
      title: `Site ${site}`,
      content: `${filler('farm', 12)}\nThe gateway of site ${site} restarts at ${site}:15.\n${filler('mill', 12)}`,
    }));
    const answer = await ask(sites, { query: 'when does the gateway restart', max_tokens: 800 });
    // Two whole memories take 800 tokens.
    expect(answer.memory_ids.length).toBeGreaterThanOrEqual(6);
    expect(answer.context.match(/The gateway of site \d restarts at \d:15\./g)).toHaveLength(answer.memory_ids.length);
    expect(answer.tokens).toBeGreaterThan(700);
    expect(answer.tokens).toBeLessThanOrEqual(800);
    expect(answer).toMatchObject({ truncated: true });
  });

  /** Memories of about 700 characters each. */
  const farms = (count: number) =>
    Array.from({ length: count }, (_, index): Item => {
      const text = filler(`farm ${index}`, 12);
      const memory = { id: `${index}`, type: index % 3 ? 'long_term' : 'short_term', title: `Farm ${index}`, tags: [] };
      return {
        memory: {
          ...memory,
          created_at: new Date(0),
          occurred_at: null,
          superseded_by: null,
        } as unknown as Item['memory'],
        text,
        cut: false,
        hasExpired: false,
        outdated: false,
        score: 1 - index / 1_000,
        passageStart: () => text.indexOf('Line 6'),
      };
    });

  it('counts the tokens of a large package a few times, not for each passage that grows', () => {
    const items = farms(300);
    let counted = 0;
    const measure = (shown: readonly Item[]) => {
      if (shown.length > 1) counted++;
      return countTokens(render('## Context Package', shown, 'short'));
    };
    const budget = 50_000;
    const packed = packItems(items, budget, measure);
    expect(measure(packed.items)).toBeLessThanOrEqual(budget);
    expect(measure(packed.items)).toBeGreaterThan(budget - 100);
    expect(packed.items).toHaveLength(300);
    expect(counted).toBeLessThan(30);
  });

  it('is counted item by item as it is counted whole, but for its end', () => {
    const count = createCounter('## Context Package', 'short');
    const items = farms(30).map((item, index) => ({
      ...item,
      text: ['', 'Ends here.', '```\n\tcode\n', ' “x”…', '日本'][index % 5] ?? item.text,
    }));
    for (let shown = 0; shown <= items.length; shown++) {
      const part = items.slice(0, shown);
      expect(Math.abs(count(part) - countTokens(render('## Context Package', part, 'short')))).toBeLessThanOrEqual(1);
    }
  });

  it('looks for the passages of many long memories in turns of the event loop', async () => {
    const items = farms(400);
    let [turns, isDone] = [0, false];
    const next = () => {
      turns++;
      if (!isDone) setImmediate(next);
    };
    setImmediate(next);
    const found = await findPassages(items, 10_000);
    isDone = true;
    const characters = items.reduce((sum, { text }) => sum + text.length, 0);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(Math.min(characters, 220_000) / 60_000));
    expect(found[5]?.passageStart?.()).toBe(items[5]?.passageStart?.());
    expect(await findPassages(items.slice(0, 2), 10_000)).toEqual(items.slice(0, 2));
  });
});
