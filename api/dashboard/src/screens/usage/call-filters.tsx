import { useOperation } from '../../api/hooks.ts';
import { formatClient, formatTransport } from '../../components/calls.tsx';
import { Select } from '../../components/fields.tsx';
import type { CallFilter } from './search.ts';

interface CallFiltersProps {
  value: CallFilter;
  onChange: (change: { [Field in keyof CallFilter]: CallFilter[Field] | undefined }) => void;
}

/** Days of calls whose clients can be chosen. */
const CLIENTS_OF_DAYS = 90;

/** Renders the choice of key, client and transport, in a row of filters. */
export function CallFilters({ value, onChange }: CallFiltersProps) {
  const keys = useOperation('keys.list', {});
  const clients = useOperation('user.usage', { days: CLIENTS_OF_DAYS, group_by: 'client' });
  const names = new Set((clients.data?.results ?? []).flatMap(({ client }) => (client ? [client] : [])));
  if (value.client) names.add(value.client);
  return (
    <>
      <Select
        label="Key"
        value={value.key ?? ''}
        onChange={(key) => onChange({ key: key || undefined })}
        choices={[
          { value: '', label: 'All keys' },
          ...(keys.data?.results ?? []).map(({ id, name, last4 }) => ({ value: id, label: `${name} (…${last4})` })),
        ]}
      />
      <Select
        label="Client"
        value={value.client ?? ''}
        onChange={(client) => onChange({ client: client || undefined })}
        choices={[
          { value: '', label: 'All clients' },
          ...[...names].sort().map((name) => ({ value: name, label: formatClient(name) })),
        ]}
      />
      <Select
        label="Transport"
        value={value.transport ?? ''}
        onChange={(transport) => onChange({ transport: transport || undefined })}
        choices={[
          { value: '', label: 'Agents and programs' },
          ...(['rest', 'mcp_http', 'mcp_stdio', 'dashboard'] as const).map((transport) => ({
            value: transport,
            label: formatTransport(transport),
          })),
        ]}
      />
    </>
  );
}
