/** The texts that a model was trained on. */
export interface ReadableTexts {
  /** BCP 47 codes of the languages. */
  languages: readonly string[];
  /** Matches a letter of the script of these texts. */
  letter: RegExp;
}

/** English. Texts in other languages of the Latin script share words with it; of other scripts the model knows characters, and no words. */
export const ENGLISH: ReadableTexts = { languages: ['en'], letter: /\p{Script=Latin}/u };

const LETTER = /\p{L}/gu;

/** Computes the share of the letters of a text that a model can read, 0 to 1; 1 for a text without letters. */
export function readableShare(text: string, { letter }: ReadableTexts): number {
  const letters = text.match(LETTER) ?? [];
  if (letters.length === 0) return 1;
  return letters.filter((one) => letter.test(one)).length / letters.length;
}
