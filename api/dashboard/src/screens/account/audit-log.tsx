import type { OutputOf } from '../../api/client.ts';
import { useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ErrorPanel, Loading } from '../../components/feedback.tsx';
import { Time } from '../../components/format.tsx';

type Entry = OutputOf<'user.audit_log'>['results'][number];

/** Words for the audited actions. One that is not listed is shown by its name. */
const ACTIONS: Record<string, string> = {
  'account.deactivate': 'Account made read-only',
  'account.delete': 'Deletion of the account requested',
  'account.export': 'Export requested',
  'account.reactivate': 'Account made writable again',
  'account.restore': 'Deletion of the account undone',
  'apps.connect': 'App connected',
  'apps.revoke': 'App disconnected',
  'device.approved': 'Login of a program approved',
  'device.denied': 'Login of a program denied',
  'keys.create': 'Key made',
  'keys.revoke': 'Key revoked',
  'keys.rotate': 'Key rotated',
  'keys.update': 'Key changed',
  'memories.consolidate': 'Memories consolidated',
  'sessions.create': 'Browser signed in',
  'sessions.revoke': 'Browser signed out',
  'sessions.revoke_all': 'Browsers signed out',
  'users.create': 'Account created',
  'users.set_override': 'Limits changed',
  'users.set_plan': 'Plan changed',
};

/** Renders what was done to the account, newest first. */
export function AuditLog() {
  const log = useOperationPages('user.audit_log', { limit: 20 });
  const entries = log.data?.pages.flatMap(({ results }) => results) ?? [];
  return (
    <section className="panel" aria-labelledby="audit-title">
      <h2 id="audit-title">Audit log</h2>
      {log.isPending && <Loading />}
      {log.error && <ErrorPanel error={log.error} onRetry={() => log.refetch()} />}
      {log.data && entries.length === 0 && <p className="detail">Nothing yet.</p>}
      <ul className="entries">
        {entries.map((entry) => (
          <li key={entry.id}>
            <div className="grow">
              <strong>{ACTIONS[entry.action] ?? entry.action}</strong>{' '}
              {entry.target && <span className="detail">{entry.target_name ?? entry.target}</span>}
              <p className="detail">
                {actorOf(entry)}
                {detailsOf(entry)}
              </p>
            </div>
            <span className="detail">
              <Time iso={entry.at} />
            </span>
          </li>
        ))}
      </ul>
      {log.hasNextPage && (
        <Button isPending={log.isFetchingNextPage} onPress={() => log.fetchNextPage()}>
          Show older entries
        </Button>
      )}
    </section>
  );
}

/** Returns who did it, in words. */
function actorOf({ actor, actor_name: name }: Entry): string {
  if (actor.startsWith('key:')) return `by the key ${name ?? actor.slice('key:'.length)}`;
  if (actor.startsWith('app:')) return `by the app ${name ?? actor.slice('app:'.length)}`;
  if (actor.startsWith('session:')) return 'in the dashboard';
  return actor === 'admin' || actor.startsWith('operator:') ? 'by the operator' : `by the service (${actor})`;
}

function detailsOf({ details }: Entry): string {
  const pairs = Object.entries(details).map(([name, value]) => `${name}: ${String(value)}`);
  return pairs.length > 0 ? ` (${pairs.join(', ')})` : '';
}
