import { to } from 'opencc-js/preset/t2cn';

/** Ignored inside words: soft hyphen, zero width joiners, Arabic elongation. */
const IGNORED = /[\u00ad\u0640\u200c-\u200d\u2060]/g;
/** Combining marks of Latin, Greek and Cyrillic, Hebrew points, Arabic vowel signs. */
const MARKS =
  /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]/g;
/** Letters that Unicode does not decompose, and Arabic letters that are written in several ways. */
const LETTERS: Record<string, string> = {
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  ħ: 'h',
  ß: 'ss',
  ŧ: 't',
  ŋ: 'n',
  ĸ: 'k',
  ς: 'σ',
  ٱ: 'ا',
  ى: 'ي',
  ی: 'ي',
  ک: 'ك',
  ة: 'ه',
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');
/** Decimal digits of Arabic, Persian and Devanagari. */
const DIGIT = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]/g;

/** Printable ASCII has neither marks nor other forms than case. */
const ASCII = /^[ -~]*$/;

const HAN = /[\u3400-\u9fff]/g;
/** These characters have no other form than the traditional one. */
const HAN_ONLY = /^[\u3400-\u9fff]+$/;
/** Simplified forms of traditional Chinese characters, one for one: phrases would fold differently where a term ends. */
const SIMPLIFIED = new Map(
  (to.cn ?? [])
    .flat()
    .flatMap((dictionary) =>
      typeof dictionary === 'string' ? dictionary.split('|').map((pair) => pair.split(' ')) : [],
    )
    .filter((pair): pair is [string, string] => pair[0]?.length === 1 && [...(pair[1] ?? '')].length === 1),
);

/** Folds a word: case, compatibility forms, marks, letters of several forms, traditional Chinese characters, digits. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  if (HAN_ONLY.test(text)) return simplify(text);
  const folded = text
    .replace(IGNORED, '')
    .normalize('NFKD')
    .replace(MARKS, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(LETTER, (letter) => LETTERS[letter] as string)
    .replace(DIGIT, (digit) => String((digit.charCodeAt(0) - (digit < '\u0900' ? 0 : 6)) & 15));
  return simplify(folded);
}

function simplify(text: string): string {
  return text.replace(HAN, (character) => SIMPLIFIED.get(character) ?? character);
}
