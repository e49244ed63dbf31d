import type { Hit } from './score-candidates.ts';
import { type ScoreComponents, scoreParts, WEIGHTS } from './score-fusion.ts';
import { displayTerm } from './tokenizer.ts';

/** Cosine similarities from which a passage is close, and related, to a query. */
const CLOSE = 0.6;
const RELATED = 0.35;
/** Parts with a smaller share of the score are not mentioned. */
const SHARE_MIN = 0.03;
const WORDS_MAX = 6;
/** Importance and recency from which they are mentioned. */
const IMPORTANT = 0.5;
const RECENT = 0.8;

/** Returns the value of each part of a hit's ranking, by the names of the API. Parts that do not apply are missing. */
export function toExplanation({ components: { sessionContext, lateInteraction, ...components } }: Hit) {
  const named = { ...components, session_context: sessionContext, late_interaction: lateInteraction };
  const known = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [[name, round(value)]]));
  return Object.fromEntries(known);
}

/**
 * Says in words why a search found a memory, with the share of each part in its score.
 * @param matched words of the query that occur in the memory
 * @param isInDigest whether the memory was consolidated
 */
export function reasonsOf(
  { components, label, raised }: Hit,
  matched: readonly string[],
  isInDigest: boolean,
): string[] {
  const { lexical, sessionContext, semantic, importance = 0, recency = 0 } = components;
  const parts = scoreParts(components, components.lateInteraction !== undefined);
  const words = matched.slice(0, WORDS_MAX).join(', ') + (matched.length > WORDS_MAX ? ' …' : '');
  // Without a vector the words count for the meaning too.
  const inPlace = semantic === undefined ? WEIGHTS.semantic : 0;
  const weighed: [string, number][] = [
    [words === '' ? 'Words of the query' : `Contains ${words}`, parts.lexical + inPlace * lexical],
    [inMeaning(components), semantic === undefined ? 0 : parts.semantic],
    ['Meaning of single words', parts.lateInteraction],
    ['Beside a match in its session', parts.sessionContext + inPlace * sessionContext],
    ['From the time that the query names', parts.date],
    [`Begins with ${label}, which the query names`, parts.label],
  ];
  const total = weighed.reduce((sum, [, part]) => sum + Math.max(0, part), 0);
  return [
    ...weighed.flatMap(([text, part]) =>
      part >= SHARE_MIN * total && part > 0 ? [`${text} (${percent(part / total)})`] : [],
    ),
    ...(raised
      ? [
          `${raised.preference === 'newer' ? 'Newer' : 'Older'} than a similar memory about ${displayTerm(raised.subject)}`,
        ]
      : []),
    ...(importance > IMPORTANT ? ['Marked as important'] : []),
    ...(recency > RECENT ? ['Recent'] : []),
    ...(isInDigest ? ['Part of a digest'] : []),
  ];
}

function inMeaning({ semantic = 0 }: ScoreComponents): string {
  if (semantic >= CLOSE) return 'Close in meaning';
  return semantic >= RELATED ? 'Related in meaning' : 'Distantly related in meaning';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Rounds a score to what is shown. */
export function round(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}
