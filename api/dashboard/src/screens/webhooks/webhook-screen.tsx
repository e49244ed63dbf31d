import { getRouteApi } from '@tanstack/react-router';
import { MoreHorizontal, Send } from 'lucide-react';
import { useState } from 'react';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Callout } from '../../components/feedback.tsx';
import { formatDateTime, formatNumber, Time } from '../../components/format.tsx';
import { Menu } from '../../components/menu.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { Deliveries } from './deliveries.tsx';
import {
  CHANGES,
  DeleteWebhookDialog,
  EditWebhookDialog,
  type MadeSecret,
  RotateSecretDialog,
  SigningSecretDialog,
  type Webhook,
} from './webhook-dialogs.tsx';
import { disabledReason, WebhookState } from './webhook-state.tsx';
import './webhooks.css';

const route = getRouteApi('/webhooks/$id');

/** Renders one webhook: its state, what it takes, and its deliveries. */
export function WebhookScreen() {
  const { id } = route.useParams();
  const webhook = useOperation('webhooks.get', { id }, { isLive: true });
  return (
    <Loaded result={webhook}>
      {(found) => (
        <Screen
          title="Webhook"
          lead={<code className="webhook-url">{found.url}</code>}
          actions={<Actions webhook={found} />}
        >
          <div className="stack">
            <Summary webhook={found} />
            <Deliveries webhook={found} />
          </div>
        </Screen>
      )}
    </Loaded>
  );
}

function Summary({ webhook }: { webhook: Webhook }) {
  const { status, description, events, waiting, failing_since: failing, last_delivered_at: last } = webhook;
  const enable = useAction('webhooks.update', {
    changes: [...CHANGES, 'webhooks.deliveries'],
    onSuccess: () => notifyDone('Webhook enabled'),
  });
  return (
    <>
      {status === 'disabled' && (
        <Callout kind="error">
          <p>
            <strong>This webhook is disabled.</strong> {disabledReason(webhook)} New events are not recorded for it.
            What waits is kept for 14 days, and delivered when you enable it.
          </p>
          <Button isPending={enable.isPending} onPress={() => enable.mutate({ id: webhook.id, status: 'enabled' })}>
            Enable
          </Button>
        </Callout>
      )}
      {status === 'enabled' && failing && (
        <Callout kind="warning">
          Deliveries fail since {formatDateTime(failing)}. The list below says why. After three days without a success,
          the webhook is disabled.
        </Callout>
      )}
      <p>
        <WebhookState webhook={webhook} /> {description && `${description}. `}
        {formatNumber(waiting)} waiting, last delivered {last ? <Time iso={last} /> : 'never'}.
      </p>
      <p className="detail">Takes {events.join(', ')}</p>
    </>
  );
}

type Open = 'edit' | 'rotate' | 'delete' | MadeSecret;

function Actions({ webhook }: { webhook: Webhook }) {
  const { id, status } = webhook;
  const navigate = route.useNavigate();
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const test = useAction('webhooks.test', {
    changes: ['webhooks.deliveries', 'webhooks.get'],
    onSuccess: () => notifyDone('Test event sent: its delivery is the first below'),
  });
  const disable = useAction('webhooks.update', { changes: CHANGES, onSuccess: () => notifyDone('Webhook disabled') });
  const more = [
    { id: 'edit', label: 'Edit', run: () => setOpen('edit') },
    { id: 'rotate', label: 'Replace the secret', run: () => setOpen('rotate') },
    ...(status === 'enabled'
      ? [{ id: 'disable', label: 'Disable', run: () => disable.mutate({ id, status: 'disabled' }) }]
      : []),
    { id: 'delete', label: 'Delete', isDangerous: true, run: () => setOpen('delete') },
  ];
  return (
    <>
      <Button
        variant="primary"
        isDisabled={status === 'disabled'}
        isPending={test.isPending}
        onPress={() => test.mutate({ id })}
      >
        <Send size={16} aria-hidden /> Send a test
      </Button>
      <Menu label="More actions" actions={more}>
        <MoreHorizontal size={18} aria-hidden />
      </Menu>
      {open === 'edit' && <EditWebhookDialog target={webhook} onClose={close} />}
      {open === 'rotate' && <RotateSecretDialog target={webhook} onClose={close} onMade={setOpen} />}
      {open === 'delete' && (
        <DeleteWebhookDialog target={webhook} onClose={close} onDone={() => navigate({ to: '/webhooks' })} />
      )}
      {typeof open === 'object' && <SigningSecretDialog made={open} onClose={close} />}
    </>
  );
}
