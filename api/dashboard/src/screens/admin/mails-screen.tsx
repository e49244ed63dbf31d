import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { Badge, EmptyState } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { Time } from '../../components/format.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { AdminSection } from './admin-section.tsx';
import { Pages } from './pages.tsx';

type Mail = OutputOf<'admin.mails.list'>['results'][number];

const STATES = [
  { value: 'failed', label: 'Failed' },
  { value: 'pending', label: 'Waiting or retried' },
  { value: 'rejected', label: 'Rejected by the mail server' },
  { value: 'sent', label: 'Sent' },
  { value: 'all', label: 'All' },
] as const;
const KINDS = { failed: 'error', pending: 'warning', rejected: 'error', sent: 'success' } as const;

/** Renders the e-mails of the outbox, without their texts, and a button that sends one again. */
export function MailsScreen() {
  const { state: wanted, user } = useSearch({ from: '/admin/mails' });
  const navigate = useNavigate({ from: '/admin/mails' });
  const state = wanted ?? (user === undefined ? 'failed' : 'all');
  const mails = useOperationPages('admin.mails.list', {
    ...(state !== 'all' && { state }),
    ...(user !== undefined && { user_id: user }),
  });
  const [chosen, setChosen] = useState<Mail>();
  const retry = useAction('admin.mails.retry', {
    changes: ['admin.mails.list', 'admin.overview', 'admin.users.audit'],
    onSuccess: () => {
      setChosen(undefined);
      notifyDone('The e-mail is sent again');
    },
  });
  return (
    <AdminSection title="E-mails">
      <div className="row">
        <div className="admin-filter">
          <Select
            label="State"
            choices={STATES}
            value={state}
            onChange={(value) => navigate({ search: (former) => ({ ...former, state: value }) })}
          />
        </div>
        {user !== undefined && (
          <span className="row">
            <Link to="/admin/users/$id" params={{ id: user }}>
              To one account
            </Link>
            <Button variant="plain" onPress={() => navigate({ search: { state } })}>
              Show all accounts
            </Button>
          </span>
        )}
      </div>
      <Pages
        result={mails}
        empty={
          <EmptyState title={state === 'failed' ? 'No e-mail has failed' : 'There are no such e-mails'}>
            E-mails are kept for 30 days after they were sent, without their texts.
          </EmptyState>
        }
      >
        {(rows) => (
          <ul className="admin-list panel">
            {rows.map((row) => (
              <li key={row.id} className="row spread">
                <span className="grow">
                  <Link to="/admin/users/$id" params={{ id: row.user_id }} className="admin-id">
                    {row.recipient}
                  </Link>{' '}
                  <Badge kind={KINDS[row.state]}>{row.state}</Badge>
                  <div className="detail">
                    {row.template.replaceAll('_', ' ')}, enqueued <Time iso={row.created_at} />
                    {row.sent_at && (
                      <>
                        , sent <Time iso={row.sent_at} />
                      </>
                    )}
                  </div>
                  {row.last_error && <div className="admin-error admin-id">{row.last_error}</div>}
                  {row.state === 'rejected' && (
                    <div className="detail">Its text is deleted, so it cannot be sent again.</div>
                  )}
                </span>
                {(row.state === 'failed' || row.state === 'pending') && (
                  <Button aria-label={`Send again: e-mail to ${row.recipient}`} onPress={() => setChosen(row)}>
                    Send again
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Pages>
      <ConfirmDialog
        title="Send this e-mail again?"
        action="Send again"
        isDangerous={false}
        isOpen={chosen !== undefined}
        isPending={retry.isPending}
        onConfirm={() => chosen && retry.mutate({ user_id: chosen.user_id, id: chosen.id })}
        onClose={() => setChosen(undefined)}
      >
        <p>It is sent to {chosen?.recipient} at once, and retried until the mail server accepts or rejects it.</p>
      </ConfirmDialog>
    </AdminSection>
  );
}
