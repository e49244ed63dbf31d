import { useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { Badge } from '../../components/feedback.tsx';
import { Time } from '../../components/format.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { type AccountDetails, CHANGED_BY_ACTS } from './account-details.ts';

type Key = AccountDetails['keys'][number];

/** Renders the keys of an account, without the keys themselves, and revokes them. */
export function AccountKeys({ account }: { account: AccountDetails }) {
  const [chosen, setChosen] = useState<Key>();
  const revoke = useAction('admin.keys.revoke', {
    changes: CHANGED_BY_ACTS,
    onSuccess: () => {
      setChosen(undefined);
      notifyDone('The key is revoked');
    },
  });
  return (
    <section className="panel">
      <h2>API keys</h2>
      {account.keys.length === 0 && <p className="detail">None.</p>}
      <ul className="admin-list">
        {account.keys.map((key) => (
          <li key={key.id} className="row spread">
            <span className="grow">
              <strong>{key.name}</strong>{' '}
              <span className="mono">
                {key.prefix}…{key.last4}
              </span>
              <div className="detail">
                {key.scopes.join(', ')}; {key.projects && `only ${key.projects.join(', ')}; `}created{' '}
                <Time iso={key.created_at} />;{' '}
                {key.last_used_at ? (
                  <>
                    last used <Time iso={key.last_used_at} />
                  </>
                ) : (
                  'never used'
                )}
              </div>
            </span>
            <StateBadge keyShown={key} />
            {key.active && (
              <Button variant="danger" aria-label={`Revoke key ${key.name}`} onPress={() => setChosen(key)}>
                Revoke
              </Button>
            )}
          </li>
        ))}
      </ul>
      <ConfirmDialog
        title="Revoke this key?"
        action="Revoke key"
        isOpen={chosen !== undefined}
        isPending={revoke.isPending}
        onConfirm={() => chosen && revoke.mutate({ id: account.id, key_id: chosen.id })}
        onClose={() => setChosen(undefined)}
      >
        <p>
          Everything that uses <strong>{chosen?.name}</strong> gets an error from the next call. This cannot be undone.
        </p>
      </ConfirmDialog>
    </section>
  );
}

function StateBadge({ keyShown }: { keyShown: Key }) {
  if (keyShown.active) return <Badge kind="success">active</Badge>;
  return <Badge>{keyShown.revoked_at ? 'revoked' : 'expired'}</Badge>;
}
