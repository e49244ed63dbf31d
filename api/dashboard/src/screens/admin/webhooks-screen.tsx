import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperation, useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog, Dialog } from '../../components/dialog.tsx';
import { Badge, EmptyState } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { AdminSection } from './admin-section.tsx';
import { Pages } from './pages.tsx';

type Webhook = OutputOf<'admin.webhooks.list'>['results'][number];

const STATES = [
  { value: 'dead', label: 'Failed for good' },
  { value: 'pending', label: 'Waiting or retried' },
  { value: 'processed', label: 'Processed' },
  { value: 'ignored', label: 'Ignored' },
  { value: 'all', label: 'All' },
] as const;
const KINDS = { dead: 'error', pending: 'warning', processed: 'success', ignored: 'neutral' } as const;

/** Renders the webhooks of Whop, with their payloads and a button that processes one again. */
export function WebhooksScreen() {
  const { state = 'dead' } = useSearch({ from: '/admin/webhooks' });
  const navigate = useNavigate({ from: '/admin/webhooks' });
  const webhooks = useOperationPages('admin.webhooks.list', state === 'all' ? {} : { state });
  const [shown, setShown] = useState<string>();
  const [replayed, setReplayed] = useState<Webhook>();
  const replay = useAction('admin.webhooks.replay', {
    changes: ['admin.webhooks.list', 'admin.overview', 'admin.users.get', 'admin.users.audit'],
    onSuccess: (output) => {
      setReplayed(undefined);
      notifyDone(output.replayed ? 'The webhook is processed again' : 'The webhook was processed already');
    },
  });
  return (
    <AdminSection title="Webhooks of Whop">
      <div className="admin-filter">
        <Select
          label="State"
          choices={STATES}
          value={state}
          onChange={(value) => navigate({ search: value === 'dead' ? {} : { state: value } })}
        />
      </div>
      <Pages
        result={webhooks}
        empty={
          <EmptyState title={state === 'dead' ? 'No webhook has failed' : 'There are no such webhooks'}>
            Webhooks are kept for 30 days.
          </EmptyState>
        }
      >
        {(rows) => (
          <ul className="admin-list panel">
            {rows.map((row) => (
              <li key={row.webhook_id} className="row spread">
                <span className="grow">
                  <strong>{row.type}</strong> <Badge kind={KINDS[row.state]}>{row.state}</Badge>
                  <div className="detail admin-id">
                    received <Time iso={row.received_at} />, {row.attempts}{' '}
                    {row.attempts === 1 ? 'attempt' : 'attempts'}, {row.webhook_id}
                  </div>
                  {row.last_error && <div className="admin-error admin-id">{row.last_error}</div>}
                </span>
                <span className="row">
                  <Button aria-label={`Show webhook ${row.webhook_id}`} onPress={() => setShown(row.webhook_id)}>
                    Show
                  </Button>
                  {(row.state === 'dead' || row.state === 'pending') && (
                    <Button aria-label={`Process again: webhook ${row.webhook_id}`} onPress={() => setReplayed(row)}>
                      Process again
                    </Button>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Pages>
      {shown !== undefined && <WebhookDialog id={shown} onClose={() => setShown(undefined)} />}
      <ConfirmDialog
        title="Process this webhook again?"
        action="Process again"
        isDangerous={false}
        isOpen={replayed !== undefined}
        isPending={replay.isPending}
        onConfirm={() => replayed && replay.mutate({ id: replayed.webhook_id })}
        onClose={() => setReplayed(undefined)}
      >
        <p>
          Whop is asked for the present state of the membership, and the account is set to that. Nothing is done twice.
        </p>
      </ConfirmDialog>
    </AdminSection>
  );
}

function WebhookDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const webhook = useOperation('admin.webhooks.get', { id });
  return (
    <Dialog title="Webhook" size="reading" isOpen onClose={onClose}>
      <Loaded result={webhook}>
        {(data) => (
          <div className="stack">
            <p className="detail admin-id">
              {data.type}, {data.deliveries} {data.deliveries === 1 ? 'delivery' : 'deliveries'}.{' '}
              {data.user_id ? (
                <Link to="/admin/users/$id" params={{ id: data.user_id }}>
                  Account
                </Link>
              ) : (
                'It belongs to no account here.'
              )}
            </p>
            <pre className="admin-payload">
              <code>{JSON.stringify(data.payload, null, 2)}</code>
            </pre>
            <p className="detail">License keys, tokens, links and payment details are removed.</p>
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}
