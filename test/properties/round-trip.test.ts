import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

/** Any text that PostgreSQL can store: Unicode without NUL. */
const anyText = (maxLength: number) =>
  fc
    .oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength }),
      fc.constantFrom(
        "'; drop table memories; --",
        '<script>alert(1)</script>',
        '\\x00 \\u0000 %00',
        '$1 $$ {{x}} %s',
        '\u202Ertl\u202C \uFEFF bom',
        '\r\n\t line \u2028 separators \u0085',
        '# not *Markdown* `code` [x](y) ```',
      ),
    )
    .map((text) => text.replaceAll('\0', ''))
    .filter((text) => text.trim() !== '');

const LARGE_INTEGER = /(?<![\d.eE+])\d{16,}(?![\d.eE])/;

const anyJson = fc
  .dictionary(fc.oneof(fc.constantFrom('importance', 'constructor', 'toString', ''), anyText(20)), fc.jsonValue(), {
    maxKeys: 5,
  })
  .filter((value) => !/\\u0000|__proto__/.test(JSON.stringify(value)))
  // Integers beyond 2^53 are rejected.
  .filter((value) => !LARGE_INTEGER.test(JSON.stringify(value)))
  // JSON has no -0.
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

const memory = fc.record(
  {
    title: anyText(60),
    content: fc.oneof(
      anyText(200),
      fc.array(anyText(40), { minLength: 1, maxLength: 200 }).map((words) => words.join(' ')),
    ),
    metadata: anyJson,
    project: anyText(30).filter((text) => text.trim() !== '*'),
    session_id: anyText(30),
    occurred_at: fc
      .date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  { requiredKeys: ['title', 'content'] },
);

describe('memory round trip', () => {
  it('returns the stored texts and metadata unchanged, and names normalized, from create, read, list, versions and restore', async () => {
    await fc.assert(
      fc.asyncProperty(memory, async (given) => {
        const created = await user.api.post('/memories', given);
        expect([created.status, created.body]).toEqual([201, expect.objectContaining({ id: expect.any(String) })]);
        const { id } = created.body;
        const read = (await user.api.get(`/memories/${id}`)).body;
        expectSame(created.body, given);
        expectSame(read, given);

        await user.api.patch(`/memories/${id}`, { content: 'other' });
        const versions = await user.api.get(`/memories/${id}/versions`);
        expectSame(versions.body.results[0], given);
        const restored = await user.api.post(`/memories/${id}/restore`, { version: 1 });
        expectSame(restored.body, given);
        const listed = await user.api.get('/memories?limit=1');
        expectSame(listed.body.results[0], given);
        await user.api.delete(`/memories/${id}?permanent=true`);
      }),
      { numRuns: 60 },
    );
  });

  it('rejects NUL and lone surrogates anywhere with a 422 that names the field, and stores nothing', async () => {
    const wrong = fc.constantFrom('\0', '\uD800', '\uDC00', '\uDC00\uD800');
    const field = fc.constantFrom('title', 'content', 'project', 'session_id', 'tags', 'metadata', 'metadata key');
    await fc.assert(
      fc.asyncProperty(anyText(10), wrong, anyText(10), field, async (before, bad, after, where) => {
        const text = `a${before}${bad}${after}z`;
        const given: Record<string, unknown> = { title: 'a title', content: 'a content' };
        if (where === 'metadata key') given.metadata = { deep: [{ [text]: 1 }] };
        else if (where === 'metadata') given.metadata = { deep: [text] };
        else given[where] = where === 'tags' ? [text] : text;
        const { status, body } = await user.api.post('/memories', given);
        expect([where, status, body.code]).toEqual([where, 422, 'unprocessable']);
        expect(body.errors[0].path.split('.')[0].split('[')[0].split('/').filter(Boolean)[0]).toBe(where.split(' ')[0]);
      }),
      { numRuns: 80 },
    );
    // `__proto__` would be lost or misused by JavaScript readers.
    const proto = await user.api.post('/memories', '{"title":"t","content":"c","metadata":{"a":{"__proto__":{}}}}');
    expect([proto.status, proto.body.errors[0].path]).toEqual([422, 'metadata.a.(key)']);
    expect((await user.api.get('/memories?status=all')).body.total).toBe(0);
  });

  it('stores and finds memories of 120,000 to 900,000 characters with any number of distinct terms', async () => {
    const letter = (n: number) => String.fromCodePoint(0x4e00 + (n % 256));
    const word = (n: number) => letter(n) + letter(n >> 8);
    const texts = {
      'distinct words': Array.from({ length: 66_000 }, (_, n) => word(n)).join(' '),
      'compound words': Array.from({ length: 33_000 }, (_, n) => `${word(n)}-${word(33_000 + n)}`).join(' '),
      'astral letters': Array.from({ length: 60_000 }, (_, n) => String.fromCodePoint(0x20000 + (n % 40_000))).join(
        ' ',
      ),
      addresses: Array.from({ length: 9_000 }, (_, n) => `http://${n}.example.com/a${n}/b?c=${n}`).join(' '),
      'one word': 'a'.repeat(900_000),
      'no words': '. '.repeat(450_000),
    };
    for (const [what, content] of Object.entries(texts)) {
      const { status, body } = await user.api.post('/memories', {
        title: `Long ${what}`,
        content: `needle ${content}`,
      });
      expect([what, status, body.detail]).toEqual([what, 201, undefined]);
      const found = await user.api.post('/search', { query: `needle ${what}` });
      expect([what, found.body.results.some((hit: { id: string }) => hit.id === body.id)]).toEqual([what, true]);
    }
  }, 60_000);
});

/** Asserts that `got` has the values of `given`, and defaults for the fields that it does not name. */
function expectSame(got: Record<string, unknown>, given: Record<string, unknown>): void {
  const { title, content, project, session_id, occurred_at } = got;
  expect({ title, content, project, session_id, occurred_at }).toEqual({
    title: given.title,
    content: given.content,
    project: (given.project as string | undefined)?.normalize('NFC').trim() ?? null,
    session_id: (given.session_id as string | undefined)?.normalize('NFC').trim() ?? null,
    occurred_at: given.occurred_at ?? null,
  });
  // Compared as JSON, where `__proto__` is an ordinary key.
  expect(sorted(got.metadata)).toBe(sorted(given.metadata ?? {}));
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [two]) => (one < two ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sorted(item)}`).join(',')}}`;
}
