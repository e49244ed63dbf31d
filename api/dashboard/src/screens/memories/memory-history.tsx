import { useMemo, useState } from 'react';
import { useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ErrorPanel, Loading } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { formatDateTime } from '../../components/format.tsx';
import { restoreVersion } from './acts.ts';
import { DiffView, type MemoryState } from './diff-view.tsx';
import type { Memory } from './memory-facts.tsx';

/** Renders the former versions of a memory, the difference between any two, and the restoring of one. */
export function MemoryHistory({ memory }: { memory: Memory }) {
  const versions = useOperationPages('memories.versions', { id: memory.id }, { enabled: memory.version > 1 });
  const states = useMemo<MemoryState[]>(
    () => [
      { ...memory, written_at: memory.updated_at },
      ...(versions.data?.pages.flatMap(({ results }) => results) ?? []),
    ],
    [memory, versions.data],
  );
  const [older, setOlder] = useState<number>();
  const [newer, setNewer] = useState<number>();
  if (memory.version === 1) {
    return (
      <section className="panel" aria-label="History">
        <h2>History</h2>
        <p className="detail">This memory has not been changed since it was stored.</p>
      </section>
    );
  }
  if (versions.error && !versions.data)
    return <ErrorPanel error={versions.error as never} onRetry={() => versions.refetch()} />;
  if (!versions.data) return <Loading label="Loading the history" />;
  const to = states.find(({ version }) => version === newer) ?? states[0];
  const from = states.find(({ version }) => version === older) ?? states[1];
  const choices = states.map(({ version, written_at }, index) => ({
    value: String(version),
    label: `${index === 0 ? 'Now' : `Version ${version}`}, ${formatDateTime(written_at)}`,
  }));
  return (
    <section className="panel stack" aria-label="History">
      <h2>History</h2>
      {from && to ? (
        <>
          <div className="history-choice">
            <Select
              label="From"
              value={String(from.version)}
              choices={choices}
              onChange={(value) => setOlder(Number(value))}
            />
            <Select
              label="To"
              value={String(to.version)}
              choices={choices}
              onChange={(value) => setNewer(Number(value))}
            />
            {from.version !== memory.version && (
              <Button onPress={() => void restoreVersion(memory, from.version)}>Restore version {from.version}</Button>
            )}
          </div>
          <DiffView from={from} to={to} />
        </>
      ) : (
        <p className="detail">Former versions are not kept any more.</p>
      )}
      {versions.hasNextPage && (
        <div>
          <Button onPress={() => versions.fetchNextPage()} isPending={versions.isFetchingNextPage}>
            Older versions
          </Button>
        </div>
      )}
    </section>
  );
}
