import { useOperationPages } from '../../api/hooks.ts';
import { Time } from '../../components/format.tsx';
import { Pages } from './pages.tsx';

/** Renders the audit log of an account. */
export function AccountAudit({ id }: { id: string }) {
  const log = useOperationPages('admin.users.audit', { id });
  return (
    <section className="panel">
      <h2>Audit log</h2>
      <Pages result={log} empty={<p className="detail">Nothing was done yet.</p>}>
        {(rows) => (
          <ul className="admin-list">
            {rows.map((row) => (
              <li key={row.id} className="row spread">
                <span className="grow">
                  <strong>{row.action}</strong>{' '}
                  <span className="detail admin-id">by {row.actor_name ?? row.actor}</span>
                  <Details details={row.details} />
                </span>
                <span className="detail">
                  <Time iso={row.at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Pages>
    </section>
  );
}

function Details({ details }: { details: Record<string, unknown> }) {
  const entries = Object.entries(details);
  if (entries.length === 0) return null;
  return (
    <div className="detail admin-id">
      {entries
        .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)
        .join(', ')}
    </div>
  );
}
