import { Tokenizer } from '@huggingface/tokenizers';
import type { Word } from '../chunks.ts';
import { STOP_WORDS } from '../stop-words.ts';

/*
 * The tokenizer returns token ids without offsets. So the text is first split where BERT's rules split it anyway (white
 * space, each punctuation mark, each CJK character), and each piece is tokenized on its own: the ids equal those of the
 * whole text (a test compares them), and each has an offset.
 *
 * One difference is intended: `[SEP]` or `[MASK]` in a stored text is text, not a control token.
 *
 * \v, \f and U+FEFF are white space to JavaScript, but the model's rules drop them: `a\vb` is one word.
 */
const SPACE = '\\t\\n\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const CJK = '\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff';
const MARK = '\\p{P}\\u0021-\\u002f\\u003a-\\u0040\\u005b-\\u0060\\u007b-\\u007e';
const PIECE = new RegExp(`[${CJK}${MARK}]|[^${SPACE}${CJK}${MARK}]+`, 'gu');

/** Id of the token of words that the model does not know. */
const UNKNOWN = 100;

/** A cached word costs about 200 bytes. */
const CACHED_WORDS = 20_000;
/** Longer words rarely occur again and are not cached. */
const CACHED_LENGTH = 24;

/** Splits texts into words with their token ids. */
export class WordCutter {
  readonly #tokenizer: Tokenizer;
  readonly #known = new Map<string, readonly number[]>();

  /** Takes the parsed contents of `tokenizer.json` and `tokenizer_config.json`. */
  constructor(tokenizer: object, config: object) {
    this.#tokenizer = new Tokenizer(tokenizer, config);
  }

  cut(text: string): Word[] {
    return Array.from(text.matchAll(PIECE), ({ 0: piece, index }) => {
      const ids = this.#idsOf(piece);
      return { start: index, end: index + piece.length, ids, isContent: isContent(piece, ids) };
    });
  }

  #idsOf(piece: string): readonly number[] {
    const known = this.#known.get(piece);
    if (known) return known;
    const { ids } = this.#tokenizer.encode(piece, { add_special_tokens: false });
    // Cleared when full: simpler than evicting the oldest, and frequent words return soon.
    if (this.#known.size >= CACHED_WORDS) this.#known.clear();
    if (piece.length <= CACHED_LENGTH) this.#known.set(piece, ids);
    return ids;
  }
}

function isContent(piece: string, ids: readonly number[]): boolean {
  return /[\p{L}\p{N}]/u.test(piece) && !STOP_WORDS.has(piece.toLowerCase()) && !ids.includes(UNKNOWN);
}
