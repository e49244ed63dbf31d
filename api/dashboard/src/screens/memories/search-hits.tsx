import type { ReactNode } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { MemoryRow } from './memory-row.tsx';

export type SearchHit = OutputOf<'search.query'>['results'][number];

interface SearchHitsProps {
  hits: readonly SearchHit[];
  selected: ReadonlySet<string>;
  current: string | undefined;
  onToggle: (id: string) => void;
}

/** Renders the hits of a search, best first, each with its passage and the reasons why it is there. */
export function SearchHits({ hits, selected, current, onToggle }: SearchHitsProps) {
  return (
    <ol className="hits" aria-label="Search results">
      {hits.map((hit) => (
        <li key={hit.id}>
          <MemoryRow
            memory={hit}
            time={hit.occurred_at ?? hit.created_at}
            isSelected={selected.has(hit.id)}
            isCurrent={current === hit.id}
            onToggle={onToggle}
          >
            <p className="hit-passage">{highlighted(hit)}</p>
            <p className="hit-reasons detail">{reasonsOf(hit).join(' · ')}</p>
          </MemoryRow>
        </li>
      ))}
    </ol>
  );
}

function highlighted({ snippet, highlights }: SearchHit): ReactNode[] {
  const parts: ReactNode[] = [];
  let at = 0;
  for (const { start, end } of highlights) {
    parts.push(squeezed(snippet.slice(at, start)), <mark key={start}>{snippet.slice(start, end)}</mark>);
    at = end;
  }
  return [...parts, squeezed(snippet.slice(at))];
}

/** Leaves out empty lines. */
function squeezed(text: string): string {
  return text.replace(/\n\s*\n/gu, '\n');
}

/** Cosine similarities from which a passage is close, and related, to a query. */
const CLOSE = 0.6;
const RELATED = 0.35;

/** Says in words why a search found a memory. */
export function reasonsOf({ matched, explanation = {}, consolidated_into }: SearchHit): string[] {
  const { semantic = 0, date, session_context: context = 0, recency = 0, importance = 0 } = explanation;
  const reasons: string[] = [];
  if (matched.length > 0) reasons.push(`Contains ${matched.slice(0, 6).join(', ')}${matched.length > 6 ? ' …' : ''}`);
  if (semantic >= CLOSE) reasons.push(`Close in meaning (${percent(semantic)})`);
  else if (semantic >= RELATED) reasons.push(`Related in meaning (${percent(semantic)})`);
  if (date) reasons.push('From the time that you named');
  if (context > 0) reasons.push('Beside a match in its session');
  if (importance > 0.5) reasons.push('Marked as important');
  if (recency > 0.8) reasons.push('Recent');
  if (consolidated_into) reasons.push('Part of a digest');
  return reasons.length > 0 ? reasons : ['Weak match'];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
