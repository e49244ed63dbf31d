import { RateLimitError, WhiteMagic } from '../src/index.ts';

const whitemagic = new WhiteMagic({
  baseUrl: process.env.WHITEMAGIC_URL ?? 'http://127.0.0.1:8787',
  apiKey: process.env.WHITEMAGIC_API_KEY ?? '',
});

// Repeats after a lost connection store nothing twice: each write carries an Idempotency-Key.
const stored = await whitemagic.memories.create({ content: 'We deploy on Fridays.', tags: ['ops'] });
await whitemagic.memories.update({ id: stored.id, add_tags: ['deploy'] });

const { results } = await whitemagic.search.query({ query: 'When do we deploy?', limit: 3 });
for (const hit of results) console.log(hit.title, hit.tags.join(' '));

const { context, tokens } = await whitemagic.search.context({ query: 'release process', max_tokens: 500 });
console.log(`${tokens} tokens of context`, context.length > 0);

// Iterating reads page after page; awaiting reads one.
let count = 0;
for await (const memory of whitemagic.memories.list({ tags: ['ops'], limit: 1 })) if (memory.id) count++;
console.log(`${count} memories`);

try {
  await whitemagic.memories.get({ id: '0198a3b2-7c1d-7e2f-8a9b-0c1d2e3f4a5b' });
} catch (error) {
  if (error instanceof RateLimitError) console.log(`Try again in ${error.retryAfterSeconds} s`);
  else console.log((error as Error).name);
}
