import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useOperation } from '../../api/hooks.ts';
import { EmptyState } from '../../components/feedback.tsx';
import { formatNumber, Time } from '../../components/format.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { MemoriesNav } from '../memories/memories-nav.tsx';
import { ChooseFile } from './import-file.tsx';
import '../memories/memories.css';
import './import.css';
import { ImportState } from './import-state.tsx';

/** Renders the import of memories: choose a file, see what a check says, run it, and read the report. */
export function ImportScreen() {
  const { id } = useSearch({ from: '/memories/import' });
  const navigate = useNavigate();
  const open = (next: string | undefined) => navigate({ to: '/memories/import', search: next ? { id: next } : {} });
  return (
    <Screen
      title="Import"
      lead="Bring memories along: an account export, server-memory, mem0, supermemory, Zep, Markdown, CSV or JSON lines."
    >
      <MemoriesNav />
      <div className="stack">
        {id ? <ImportState key={id} id={id} onClose={() => open(undefined)} /> : <ChooseFile onUploaded={open} />}
        {!id && <Former />}
      </div>
    </Screen>
  );
}

/** Renders the newest imports. */
function Former() {
  const imports = useOperation('imports.list', {});
  return (
    <section className="stack small" aria-labelledby="former-imports">
      <h2 id="former-imports">Your imports</h2>
      <Loaded result={imports}>
        {({ results }) =>
          results.length === 0 ? (
            <EmptyState title="No imports yet">
              Choose a file above. It is checked before anything is stored.
            </EmptyState>
          ) : (
            <ul className="import-list">
              {results.map(({ id, name, status, created_at, counts }) => (
                <li key={id}>
                  <Link to="/memories/import" search={{ id }} className="clipped">
                    {name}
                  </Link>
                  <span className="detail">
                    {status}, {formatNumber(counts.imported_memories)} imported, <Time iso={created_at} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}
