import { Badge } from '../../components/feedback.tsx';
import type { Webhook } from './webhook-dialogs.tsx';

const REASONS = {
  owner: 'You disabled it.',
  plan: 'Your plan has no webhooks.',
  gone: 'It responded 410: it wants no more events.',
  failing: 'No delivery succeeded for three days.',
  backlog: '100,000 deliveries were waiting.',
};

/** Returns why a webhook is disabled, as a sentence. */
export function disabledReason({ disabled_reason: reason }: Webhook): string {
  return reason ? REASONS[reason] : '';
}

/** Renders whether a webhook works. */
export function WebhookState({ webhook }: { webhook: Webhook }) {
  if (webhook.status === 'disabled') return <Badge kind="error">Disabled</Badge>;
  if (webhook.failing_since) return <Badge kind="warning">Failing</Badge>;
  return <Badge kind="success">Enabled</Badge>;
}
