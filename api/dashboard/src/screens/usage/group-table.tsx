import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { formatClient, formatTransport } from '../../components/calls.tsx';
import { Select } from '../../components/fields.tsx';
import { formatMs, formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { TableFrame } from '../../components/table-frame.tsx';
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
            <TableFrame label={`Calls by ${by}`}>
              <table className="table usage-table">
                <thead>
                  <tr>
                    <th scope="col">{GROUP_CHOICES.find(({ value }) => value === by)?.label}</th>
                    <th scope="col" className="number">
                      Calls
                    </th>
                    <th scope="col" className="number">
                      Errors
                    </th>
                    <th scope="col" className="number">
                      p50
                    </th>
                    <th scope="col" className="number">
                      p95
                    </th>
                    <th scope="col" className="number">
                      Tokens
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {results.map((row) => (
                    <tr key={nameOf(row)}>
                      <th scope="row">{nameOf(row)}</th>
                      <td className="number">{formatNumber(row.calls)}</td>
                      <td className="number">{formatNumber(row.errors)}</td>
                      <td className="number">{row.p50_ms === null ? '–' : formatMs(row.p50_ms)}</td>
                      <td className="number">{row.p95_ms === null ? '–' : formatMs(row.p95_ms)}</td>
                      <td className="number">{formatNumber(row.tokens)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableFrame>
          )
        }
      </Loaded>
    </section>
  );
}

function nameOf({ operation, transport, client, key_name: key, key_id: keyId }: Row): string {
  if (operation) return operation;
  if (transport) return formatTransport(transport);
  if (client !== undefined) return formatClient(client);
  return key ?? (keyId ? `Deleted key ${keyId}` : 'Without a key, or before keys were recorded');
}
