import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { DataTable } from '../../components/data-table.tsx';
import { formatBytes, formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';

const TYPES: Record<string, string> = { short_term: 'Short-term', long_term: 'Long-term' };

/** Renders what takes the storage: projects, types and kept versions. */
export function StoragePanel() {
  const storage = useOperation('stats.storage', {});
  return (
    <section className="stack small" aria-label="Storage">
      <h2>Storage by project</h2>
      <Loaded result={storage}>{(data) => <StorageTable storage={data} />}</Loaded>
    </section>
  );
}

function StorageTable({ storage }: { storage: OutputOf<'stats.storage'> }) {
  const { by_project: projects, by_type: types, versions, bytes } = storage;
  if (bytes === 0) return <p className="detail">Nothing is stored yet.</p>;
  return (
    <>
      <p className="detail">
        {formatBytes(bytes)} in all
        {types.map(({ type, memories, bytes: size }) => (
          <span key={type}>
            {' · '}
            {TYPES[type]} {formatBytes(size)} ({formatNumber(memories)})
          </span>
        ))}
        {' · '}former versions {formatBytes(versions.bytes)} ({formatNumber(versions.versions)})
      </p>
      <DataTable
        label="Storage by project"
        columns={[
          {
            label: 'Project',
            isRowHeader: true,
            value: ({ project }) => project ?? <span className="detail">No project</span>,
          },
          { label: 'Memories', isNumber: true, value: ({ memories }) => formatNumber(memories) },
          { label: 'Size', isNumber: true, value: ({ bytes: size }) => formatBytes(size) },
          { label: 'Share', isNumber: true, value: ({ bytes: size }) => `${Math.round((size / bytes) * 100)} %` },
        ]}
        rows={projects}
        keyOf={({ project }) => project ?? ''}
      />
      {projects.length >= 100 && <p className="detail">The 100 largest projects.</p>}
    </>
  );
}
