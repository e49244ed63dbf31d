import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useOperation } from '../../api/hooks.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { formatNumber, Time } from '../../components/format.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { TableFrame } from '../../components/table-frame.tsx';
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
          if (results.length > 0) return <WebhookTable webhooks={results} />;
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

function WebhookTable({ webhooks }: { webhooks: readonly Webhook[] }) {
  return (
    <TableFrame label="Webhooks">
      <table className="table webhooks">
        <thead>
          <tr>
            <th scope="col">URL</th>
            <th scope="col">State</th>
            <th scope="col">Events</th>
            <th scope="col">Waiting</th>
            <th scope="col">Last delivered</th>
          </tr>
        </thead>
        <tbody>
          {webhooks.map((webhook) => (
            <tr key={webhook.id}>
              <th scope="row">
                <Link to="/webhooks/$id" params={{ id: webhook.id }}>
                  {webhook.url}
                </Link>
                {webhook.description && <span className="detail block">{webhook.description}</span>}
              </th>
              <td>
                <WebhookState webhook={webhook} />
              </td>
              <td>{webhook.events.length === EVENTS.length ? 'All' : webhook.events.length}</td>
              <td>{formatNumber(webhook.waiting)}</td>
              <td>
                {webhook.last_delivered_at ? (
                  <Time iso={webhook.last_delivered_at} />
                ) : (
                  <span className="detail">Never</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
