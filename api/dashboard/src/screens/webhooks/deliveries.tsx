import { getRouteApi } from '@tanstack/react-router';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperation, useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Badge, EmptyState } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { formatMs, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { TableFrame } from '../../components/table-frame.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { DELIVERY_STATES, type DeliveryFilter } from './search.ts';
import type { Webhook } from './webhook-dialogs.tsx';

const route = getRouteApi('/webhooks/$id');

type Delivery = OutputOf<'webhooks.deliveries'>['results'][number];

const LABELS: Record<DeliveryFilter, string> = {
  all: 'All deliveries',
  pending: 'Waiting',
  delivered: 'Delivered',
  failed: 'Failed',
};
const CHOICES = DELIVERY_STATES.map((value) => ({ value, label: LABELS[value] }));
const KINDS = { pending: 'warning', delivered: 'success', failed: 'error' } as const;
/** Interval between reads while deliveries wait. */
const REFRESH_MS = 2_000;

/** Renders the deliveries of a webhook, newest first, with a button that makes one again. */
export function Deliveries({ webhook }: { webhook: Webhook }) {
  const { state = 'all' } = route.useSearch();
  const navigate = route.useNavigate();
  const input = { id: webhook.id, ...(state !== 'all' && { state }) };
  const pages = useOperationPages('webhooks.deliveries', input);
  // Reads the newest page again while something waits, for the result of a test.
  const isWaiting = pages.data?.pages.some(({ results }) => results.some((one) => one.state === 'pending')) ?? false;
  useOperation(
    'webhooks.get',
    { id: webhook.id },
    {
      refetchInterval: () => {
        if (isWaiting && webhook.status === 'enabled') void pages.refetch();
        return isWaiting && webhook.status === 'enabled' ? REFRESH_MS : false;
      },
    },
  );
  return (
    <section className="stack" aria-label="Deliveries">
      <div className="row spread">
        <h2>Deliveries</h2>
        <Select
          label="State of the deliveries"
          isLabelHidden
          choices={CHOICES}
          value={state}
          onChange={(value) => navigate({ search: value === 'all' ? {} : { state: value }, replace: true })}
        />
      </div>
      <Loaded result={pages as never}>
        {() => {
          const rows = pages.data?.pages.flatMap(({ results }) => results) ?? [];
          if (rows.length === 0) {
            return (
              <EmptyState title={state === 'all' ? 'No events yet' : 'There are no such deliveries'}>
                Deliveries of the last 14 days are listed here. Send a test to see one.
              </EmptyState>
            );
          }
          return <DeliveryTable webhook={webhook} deliveries={rows} />;
        }}
      </Loaded>
      {pages.hasNextPage && (
        <div>
          <Button isPending={pages.isFetchingNextPage} onPress={() => void pages.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
    </section>
  );
}

function DeliveryTable({ webhook, deliveries }: { webhook: Webhook; deliveries: readonly Delivery[] }) {
  const replay = useAction('webhooks.replay', {
    changes: ['webhooks.deliveries', 'webhooks.get'],
    onSuccess: () => notifyDone('The event is delivered again'),
  });
  return (
    <TableFrame label="Deliveries">
      <table className="table deliveries">
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">State</th>
            <th scope="col">Response</th>
            <th scope="col">Happened</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((delivery) => (
            <tr key={delivery.id}>
              <td>
                <details>
                  <summary>{delivery.type}</summary>
                  <pre>{JSON.stringify(delivery.body, null, 2)}</pre>
                  <p className="detail">Id {delivery.id}</p>
                </details>
              </td>
              <td>
                <Badge kind={KINDS[delivery.state]}>{LABELS[delivery.state]}</Badge>
                {delivery.next_attempt_at && delivery.attempts > 0 && (
                  <span className="detail block">
                    next attempt <NextAttempt iso={delivery.next_attempt_at} />
                  </span>
                )}
              </td>
              <td>
                <Response delivery={delivery} />
              </td>
              <td>
                <Time iso={delivery.occurred_at} />
              </td>
              <td>
                <Button
                  isDisabled={webhook.status === 'disabled'}
                  isPending={replay.isPending && replay.variables?.delivery === delivery.id}
                  aria-label={`Deliver again: ${delivery.type}`}
                  onPress={() => replay.mutate({ id: webhook.id, delivery: delivery.id })}
                >
                  Deliver again
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

/** The worker makes due attempts one after another, so the time may have passed. */
function NextAttempt({ iso }: { iso: string }) {
  return Date.parse(iso) <= Date.now() ? 'due now' : <Time iso={iso} />;
}

function Response({ delivery }: { delivery: Delivery }) {
  const { attempts, response_status: status, duration_ms: ms, error } = delivery;
  if (attempts === 0) return <span className="detail">Not attempted yet</span>;
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return (
    <>
      {status === null ? 'None' : `Status ${status}`}
      <span className="detail block">
        {tries}
        {ms !== null && `, ${formatMs(ms)}`}
      </span>
      {error && <span className="detail block">{error}</span>}
    </>
  );
}
