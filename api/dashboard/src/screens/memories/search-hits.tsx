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
            <p className="hit-reasons detail">{hit.reasons?.join(' · ')}</p>
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
