import { getRouteApi } from '@tanstack/react-router';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperation, useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Badge, EmptyState } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { formatMs, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
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
  // Reads again while something waits, for the result of a test.
  const interval = (read: readonly OutputOf<'webhooks.deliveries'>[]) =>
    webhook.status === 'enabled' && read.some(({ results }) => results.some((one) => one.state === 'pending'))
      ? REFRESH_MS
      : false;
  const pages = useOperationPages('webhooks.deliveries', input, { refetchInterval: interval });
  useOperation('webhooks.get', { id: webhook.id }, { refetchInterval: interval(pages.data?.pages ?? []) });
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
  const columns: readonly Column<Delivery>[] = [
    {
      label: 'Event',
      isRowHeader: true,
      value: ({ id, type, body }) => (
        <details>
          <summary>{type}</summary>
          <pre>{JSON.stringify(body, null, 2)}</pre>
          <p className="detail">Id {id}</p>
        </details>
      ),
    },
    {
      label: 'State',
      value: ({ state, attempts, next_attempt_at: next }) => (
        <>
          <Badge kind={KINDS[state]}>{LABELS[state]}</Badge>
          {next && attempts > 0 && (
            <span className="detail block">
              next attempt <NextAttempt iso={next} />
            </span>
          )}
        </>
      ),
    },
    { label: 'Response', value: (delivery) => <Response delivery={delivery} /> },
    { label: 'Happened', value: ({ occurred_at: at }) => <Time iso={at} /> },
    {
      label: 'Actions',
      corner: 'actions',
      value: ({ id, type }) => (
        <Button
          isDisabled={webhook.status === 'disabled'}
          isPending={replay.isPending && replay.variables?.delivery === id}
          aria-label={`Deliver again: ${type}`}
          onPress={() => replay.mutate({ id: webhook.id, delivery: id })}
        >
          Deliver again
        </Button>
      ),
    },
  ];
  return (
    <DataTable label="Deliveries" className="deliveries" columns={columns} rows={deliveries} keyOf={({ id }) => id} />
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
