import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useOperation } from '../../api/hooks.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { formatNumber, Time } from '../../components/format.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { EVENTS } from './events.ts';
import { CreateWebhookDialog, type MadeSecret, SigningSecretDialog, type Webhook } from './webhook-dialogs.tsx';
import { WebhookState } from './webhook-state.tsx';
import './webhooks.css';

/** Renders the webhooks of the account, or that the plan has none. */
export function WebhooksScreen() {
  const webhooks = useOperation('webhooks.list', {}, { isLive: true });
  const me = useOperation('user.me', {});
  const [isCreating, setCreating] = useState(false);
  const [made, setMade] = useState<MadeSecret>();
  const isIncluded = me.data?.limits.webhooks ?? true;
  const create = (
    <Button variant="primary" onPress={() => setCreating(true)}>
      <Plus size={16} aria-hidden /> New webhook
    </Button>
  );
  return (
    <Screen
      title="Webhooks"
      lead="Your programs learn at once what happens in your account."
      actions={isIncluded && webhooks.data !== undefined && webhooks.data.total > 0 && create}
    >
      <Loaded result={webhooks}>
        {({ results }) => {
          if (results.length > 0) {
            return <DataTable label="Webhooks" columns={COLUMNS} rows={results} keyOf={({ id }) => id} />;
          }
          return isIncluded ? (
            <EmptyState title="No webhooks yet" action={create}>
              A webhook is a URL of yours that receives a signed request for each event.{' '}
              <a href="/docs/webhooks">Read how to receive them</a>
            </EmptyState>
          ) : (
            <EmptyState
              title="Webhooks come with the pro plan"
              action={
                <ButtonLink variant="primary" href="/app/account">
                  See the plans
                </ButtonLink>
              }
            >
              Your plan, {me.data?.plan}, has none. <a href="/docs/webhooks">What they do</a>
            </EmptyState>
          );
        }}
      </Loaded>
      {isCreating && (
        <CreateWebhookDialog
          onClose={() => setCreating(false)}
          onMade={(secret) => {
            setCreating(false);
            setMade(secret);
          }}
        />
      )}
      {made && <SigningSecretDialog made={made} onClose={() => setMade(undefined)} />}
    </Screen>
  );
}

const COLUMNS: readonly Column<Webhook>[] = [
  {
    label: 'URL',
    isRowHeader: true,
    value: ({ id, url, description }) => (
      <div className="webhook-name">
        <Link to="/webhooks/$id" params={{ id }}>
          {url}
        </Link>
        {description && <span className="detail block">{description}</span>}
      </div>
    ),
  },
  { label: 'State', corner: 'state', value: (webhook) => <WebhookState webhook={webhook} /> },
  {
    label: 'Events',
    isNumber: true,
    value: ({ events }) => (events.length === EVENTS.length ? 'All' : formatNumber(events.length)),
  },
  { label: 'Waiting', isNumber: true, value: ({ waiting }) => formatNumber(waiting) },
  {
    label: 'Last delivered',
    value: ({ last_delivered_at: at }) => (at ? <Time iso={at} /> : <span className="detail">Never</span>),
  },
];
