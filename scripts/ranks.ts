import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ranks from 'gpt-tokenizer/bpeRanks/o200k_base';
import { root } from './program.ts';

/** Writes the tokens of o200k_base for `api/tokens/ranks.ts`: for each, in the order of ranks, the number of its bytes and its bytes. */
const tokens = ranks.map((token) => Buffer.from(token as string));
writeFileSync(
  join(root, 'api', 'tokens', 'o200k_base.bin'),
  Buffer.concat(tokens.flatMap((token) => [Buffer.from([token.length]), token])),
);
