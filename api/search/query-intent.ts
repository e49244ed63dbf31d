/** Which of several memories about one subject a query asks for. */
export type Preference = 'newer' | 'older';

/** Matches any of these words or phrases, as a whole; `*` stands for any ending. */
function anyOf(list: string): RegExp {
  const words = list.trim().split(/\s*,\s*/);
  const pattern = words.map((word) => word.replaceAll(' ', '\\s+').replaceAll('*', '\\p{L}*')).join('|');
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${pattern})(?![\\p{L}\\p{N}])`, 'iu');
}

/** Words that ask for what was before a change, in the languages of the evaluation: English, German, Spanish, Russian. */
const FORMER = anyOf(`
  originally, initially, formerly, previously, previous, former, used to be, in the beginning, back then,
  ursprünglich*, anfangs, früher, originalmente, al principio, anteriormente, anterior,
  раньше, изначально, прежн*, первоначальн*
`);
const PRESENT = anyOf(`
  now, nowadays, current, currently, latest, newest, most recent, most recently, these days, at the moment, at present, today,
  any more, anymore, still, up to date, jetzt, aktuell*, derzeit, momentan, zurzeit, heute, heutzutage,
  ahora, actual, actualmente, hoy, vigente, hoy en día, сейчас, теперь, текущ*, нынешн*, сегодня
`);
/** Words that ask for a time, a reason, an order or a number of events, or for a prohibition: no memory is outdated for these. */
const TIMELESS = anyOf(`
  first, when, why, how often, how many times, history, before, ago, not, no, never, don't,
  wann, warum, wieso, wie oft, zuerst, nicht, kein*, nie, cuándo, por qué, cuántas veces, primero, nunca,
  когда, почему, зачем, как часто, сколько раз, не, нельзя, никогда
`);

/**
 * Returns whether a query prefers the newer or the older of several memories about one subject. A question about a state, such as "which
 * version do we run?", asks for the present one; undefined for queries that ask for neither.
 */
export function preferenceOf(query: string): Preference | undefined {
  if (FORMER.test(query)) return 'older';
  if (TIMELESS.test(query)) return undefined;
  return PRESENT.test(query) || /[?？]\s*$/u.test(query) ? 'newer' : undefined;
}
