import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { formatBytes, formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { TableFrame } from '../../components/table-frame.tsx';

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
      <TableFrame label="Storage by project">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Project</th>
              <th scope="col" className="number">
                Memories
              </th>
              <th scope="col" className="number">
                Size
              </th>
              <th scope="col" className="number">
                Share
              </th>
            </tr>
          </thead>
          <tbody>
            {projects.map(({ project, memories, bytes: size }) => (
              <tr key={project ?? ''}>
                <th scope="row">{project ?? <span className="detail">No project</span>}</th>
                <td className="number">{formatNumber(memories)}</td>
                <td className="number">{formatBytes(size)}</td>
                <td className="number">{Math.round((size / bytes) * 100)} %</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      {projects.length >= 100 && <p className="detail">The 100 largest projects.</p>}
    </>
  );
}
