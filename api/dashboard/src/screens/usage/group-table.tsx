import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { formatClient, formatTransport } from '../../components/calls.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Select } from '../../components/fields.tsx';
import { formatMs, formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { type Group, toFilterInput, type UsageSearch } from './search.ts';

type Row = OutputOf<'user.usage'>['results'][number];

const GROUP_CHOICES: { value: Group; label: string }[] = [
  { value: 'operation', label: 'Operation' },
  { value: 'key', label: 'Key' },
  { value: 'client', label: 'Client' },
  { value: 'transport', label: 'Transport' },
];

interface GroupTableProps {
  search: UsageSearch;
  range: { from: string; to: string };
  onChange: (by: Group) => void;
}

/** Renders the calls of the range by operation, key, client or transport. */
export function GroupTable({ search, range, onChange }: GroupTableProps) {
  const by = search.by ?? 'operation';
  const usage = useOperation(
    'user.usage',
    { ...range, group_by: by, ...toFilterInput(search) },
    { keepsPrevious: true },
  );
  return (
    <section className="stack small" aria-label="Calls by group">
      <div className="row spread">
        <h2>Calls by {by}</h2>
        <Select label="Group by" isLabelHidden choices={GROUP_CHOICES} value={by} onChange={onChange} />
      </div>
      <Loaded result={usage}>
        {({ results }) =>
          results.length === 0 ? (
            <p className="detail">No calls in this range.</p>
          ) : (
            <DataTable label={`Calls by ${by}`} columns={columnsOf(by)} rows={results} keyOf={nameOf} />
          )
        }
      </Loaded>
    </section>
  );
}

function columnsOf(by: Group): readonly Column<Row>[] {
  const name = GROUP_CHOICES.find(({ value }) => value === by)?.label ?? by;
  return [
    { label: name, isRowHeader: true, value: nameOf },
    { label: 'Calls', isNumber: true, value: ({ calls }) => formatNumber(calls) },
    { label: 'Errors', isNumber: true, value: ({ errors }) => formatNumber(errors) },
    { label: 'p50', isNumber: true, value: ({ p50_ms: ms }) => ms !== null && formatMs(ms) },
    { label: 'p95', isNumber: true, value: ({ p95_ms: ms }) => ms !== null && formatMs(ms) },
    { label: 'Tokens', isNumber: true, value: ({ tokens }) => formatNumber(tokens) },
  ];
}

function nameOf({ operation, transport, client, key_name: key, key_id: keyId }: Row): string {
  if (operation) return operation;
  if (transport) return formatTransport(transport);
  if (client !== undefined) return formatClient(client);
  return key ?? (keyId ? `Deleted key ${keyId}` : 'Without a key, or before keys were recorded');
}
