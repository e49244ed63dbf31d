import { useState } from 'react';
import { leaveForSignIn } from '../../api/client.ts';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { Badge } from '../../components/feedback.tsx';
import { formatDate, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { notifyDone } from '../../components/toasts.tsx';

/** Renders the browsers that are signed in, each with a button that signs it out. */
export function SessionsPanel() {
  const [isAsking, setAsking] = useState(false);
  const sessions = useOperation('sessions.list', {});
  const revoke = useAction('sessions.revoke', {
    changes: ['sessions.list', 'user.audit_log'],
    onSuccess: () => notifyDone('The browser was signed out'),
  });
  const revokeOthers = useAction('sessions.revoke_all', {
    changes: ['sessions.list', 'user.audit_log'],
    onSuccess: ({ revoked }) =>
      notifyDone(revoked === 1 ? '1 browser was signed out' : `${revoked} browsers were signed out`),
  });
  const revokeAll = useAction('sessions.revoke_all', { changes: [], onSuccess: leaveForSignIn });
  return (
    <section className="panel" aria-labelledby="sessions-title">
      <div className="row spread">
        <h2 id="sessions-title">Signed-in browsers</h2>
        <div className="row">
          {sessions.data && sessions.data.total > 1 && (
            <Button isPending={revokeOthers.isPending} onPress={() => revokeOthers.mutate({ except_current: true })}>
              Sign out all others
            </Button>
          )}
          <Button onPress={() => setAsking(true)}>Sign out everywhere</Button>
        </div>
      </div>
      <Loaded result={sessions}>
        {({ results }) => (
          <ul className="entries">
            {results.map((session) => (
              <li key={session.id}>
                <div className="grow">
                  <div className="row">
                    <strong>{session.label || 'Unknown browser'}</strong>
                    {session.current && <Badge kind="accent">This browser</Badge>}
                  </div>
                  <p className="detail">
                    Last used <Time iso={session.last_seen_at} />, signed in {formatDate(session.created_at)}
                  </p>
                </div>
                {!session.current && (
                  <Button
                    aria-label={`Sign out ${session.label || 'the unknown browser'}`}
                    onPress={() => revoke.mutate({ id: session.id })}
                  >
                    Sign out
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <ConfirmDialog
        title="Sign out everywhere?"
        action="Sign out everywhere"
        isOpen={isAsking}
        isPending={revokeAll.isPending}
        onConfirm={() => revokeAll.mutate({})}
        onClose={() => setAsking(false)}
      >
        <p>Every browser is signed out, this one too. API keys keep working: revoke those on the screen Keys.</p>
      </ConfirmDialog>
    </section>
  );
}
