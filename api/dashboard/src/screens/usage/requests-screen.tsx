import { getRouteApi } from '@tanstack/react-router';
import { RefreshCw } from 'lucide-react';
import type { OutputOf } from '../../api/client.ts';
import { useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { CallStatus, formatClient, formatTransport } from '../../components/calls.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { EmptyState, ErrorPanel, Loading } from '../../components/feedback.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { formatDateTime, formatLogTime, formatMs, formatNumber } from '../../components/format.tsx';
import { Screen } from '../../components/screen.tsx';
import { CallFilters } from './call-filters.tsx';
import { type RequestsSearch, toFilterInput } from './search.ts';
import './usage.css';

const route = getRouteApi('/requests');

type Call = OutputOf<'user.requests'>['results'][number];

const STATUSES = [
  { value: '', label: 'Any status' },
  { value: 'ok', label: 'Successful' },
  { value: 'error', label: 'With an error' },
  { value: 'client_error', label: 'Rejected (4xx)' },
  { value: 'server_error', label: 'Failed (5xx)' },
] as const;

/** Renders the calls of the last 7 days, newest first, with filters. */
export function RequestsScreen() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: { [Field in keyof RequestsSearch]: RequestsSearch[Field] | undefined }) =>
    navigate({
      search: (former) =>
        Object.fromEntries(Object.entries({ ...former, ...change }).filter(([, value]) => value !== undefined)),
      replace: true,
    });
  const { status, operation } = search;
  const log = useOperationPages('user.requests', {
    ...toFilterInput(search),
    ...(status && { status }),
    ...(operation && { operation }),
    limit: 50,
  });
  const calls = log.data?.pages.flatMap(({ results }) => results) ?? [];
  const searchedTo = log.data?.pages.at(-1)?.searched_to;
  return (
    <Screen
      title="Request log"
      lead="What your agents and programs did in the last 7 days. Contents are never logged."
      actions={
        <Button onPress={() => log.refetch()} isPending={log.isRefetching}>
          <RefreshCw size={16} aria-hidden /> Refresh
        </Button>
      }
    >
      <div className="stack">
        <fieldset className="filters" aria-label="Filters">
          <Select
            label="Status"
            choices={STATUSES}
            value={status ?? ''}
            onChange={(chosen) => set({ status: chosen || undefined })}
          />
          <TextField
            label="Operation"
            placeholder="search.query"
            defaultValue={operation ?? ''}
            onBlur={(event) => set({ operation: (event.target as HTMLInputElement).value.trim() || undefined })}
            onKeyDown={(event) => {
              if (event.key === 'Enter') (event.target as HTMLInputElement).blur();
            }}
          />
          <CallFilters value={search} onChange={set} />
        </fieldset>
        {log.isLoading && <Loading lines={8} />}
        {log.error && <ErrorPanel error={log.error as never} onRetry={() => log.refetch()} />}
        {log.data && calls.length === 0 && (
          <EmptyState title={log.hasNextPage ? 'Nothing found yet' : 'No such calls in the last 7 days'}>
            {log.hasNextPage && searchedTo
              ? `Looked back to ${formatDateTime(searchedTo)}.`
              : 'Choose other filters, or let an agent call the service.'}
          </EmptyState>
        )}
        {calls.length > 0 && <CallTable calls={calls} onOperation={(chosen) => set({ operation: chosen })} />}
        {log.hasNextPage && (
          <div>
            <Button onPress={() => log.fetchNextPage()} isPending={log.isFetchingNextPage}>
              Look further back
            </Button>
          </div>
        )}
      </div>
    </Screen>
  );
}

function CallTable({ calls, onOperation }: { calls: readonly Call[]; onOperation: (operation: string) => void }) {
  return (
    <DataTable label="Calls" className="log" columns={columnsOf(onOperation)} rows={calls} keyOf={({ id }) => id} />
  );
}

function columnsOf(onOperation: (operation: string) => void): readonly Column<Call>[] {
  return [
    {
      label: 'Time',
      value: (call) => (
        <>
          <time dateTime={call.at} title={formatDateTime(call.at)}>
            {formatLogTime(call.at)}
          </time>
          {call.request_id && (
            <code className="detail request-id" title="Request id">
              {call.request_id}
            </code>
          )}
        </>
      ),
    },
    {
      label: 'Operation',
      isRowHeader: true,
      value: (call) => (
        <Button variant="plain" onPress={() => onOperation(call.operation)}>
          {call.endpoint}
        </Button>
      ),
    },
    { label: 'Status', corner: 'state', value: (call) => <CallStatus status={call.status} code={call.code} /> },
    {
      label: 'Client',
      value: (call) => (
        <>
          {formatClient(call.client)}
          <span className="detail block">
            {formatTransport(call.transport)}
            {call.key_name && `, ${call.key_name}`}
          </span>
        </>
      ),
    },
    { label: 'Duration', isNumber: true, value: (call) => formatMs(call.duration_ms) },
    { label: 'Tokens', isNumber: true, value: ({ tokens }) => tokens !== null && formatNumber(tokens) },
  ];
}
