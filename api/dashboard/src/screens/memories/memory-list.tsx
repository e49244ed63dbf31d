import type { RefObject } from 'react';
import { excerptOf } from '../../components/excerpt.ts';
import { Loading } from '../../components/feedback.tsx';
import { formatDate } from '../../components/format.tsx';
import { type ListedMemory, MemoryRow } from './memory-row.tsx';
import { VirtualRows, type VirtualRowsHandle } from './virtual-rows.tsx';

/** Heights of an entry and of a day of the timeline, as in `memories.css`. */
const ROW_HEIGHT = 92;
const DAY_HEIGHT = 44;

export type ListEntry = { kind: 'memory'; memory: ListedMemory } | { kind: 'day'; day: string } | { kind: 'more' };

/** Returns the entries of a list; of a timeline with a heading for each day. */
export function entriesOf(memories: readonly ListedMemory[], isTimeline: boolean, hasMore: boolean): ListEntry[] {
  const entries: ListEntry[] = [];
  let day = '';
  for (const memory of memories) {
    const own = formatDate(memory.occurred_at ?? memory.created_at);
    if (isTimeline && own !== day) entries.push({ kind: 'day', day: own });
    day = own;
    entries.push({ kind: 'memory', memory });
  }
  if (hasMore) entries.push({ kind: 'more' });
  return entries;
}

interface MemoryListProps {
  entries: readonly ListEntry[];
  total: number;
  /** The time that the list is sorted by. */
  timeOf: (memory: ListedMemory) => string;
  selected: ReadonlySet<string>;
  current: string | undefined;
  onToggle: (id: string) => void;
  onEnd: () => void;
  handle: RefObject<VirtualRowsHandle | null>;
}

/** Renders a list of memories of any length. */
export function MemoryList({ entries, total, timeOf, selected, current, onToggle, onEnd, handle }: MemoryListProps) {
  return (
    <VirtualRows
      label="Memories"
      handle={handle}
      count={entries.length}
      total={total}
      height={(index) => (entries[index]?.kind === 'day' ? DAY_HEIGHT : ROW_HEIGHT)}
      keyOf={(index) => keyOf(entries[index])}
      onEnd={onEnd}
    >
      {(index) => {
        const entry = entries[index];
        if (entry?.kind === 'day') return <h2 className="timeline-day">{entry.day}</h2>;
        if (entry?.kind !== 'memory') return <Loading label="Loading more" lines={2} />;
        const { memory } = entry;
        return (
          <MemoryRow
            memory={memory}
            time={timeOf(memory)}
            isSelected={selected.has(memory.id)}
            isCurrent={current === memory.id}
            onToggle={onToggle}
          >
            <p className="memory-row-text clipped">{excerptOf(memory)}</p>
          </MemoryRow>
        );
      }}
    </VirtualRows>
  );
}

function keyOf(entry: ListEntry | undefined): string {
  if (entry?.kind === 'memory') return entry.memory.id;
  return entry?.kind === 'day' ? entry.day : 'more';
}
