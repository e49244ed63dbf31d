import { getRouteApi } from '@tanstack/react-router';
import { MoreHorizontal, Plus } from 'lucide-react';
import { useState } from 'react';
import { useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { formatClient, formatTransport } from '../../components/calls.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Badge, EmptyState } from '../../components/feedback.tsx';
import { Checkbox } from '../../components/fields.tsx';
import { formatDate, formatNumber, Time } from '../../components/format.tsx';
import { Menu } from '../../components/menu.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { Sparkline } from '../../components/sparkline.tsx';
import {
  CreateKeyDialog,
  EditKeyDialog,
  type Key,
  KeySecretDialog,
  type MadeKey,
  RevokeKeyDialog,
  RotateKeyDialog,
} from './key-dialogs.tsx';
import './keys.css';
import { projectsInWords } from './project-picker.tsx';

const route = getRouteApi('/keys');

/** Days before its expiry from which a key warns. */
const SOON_MS = 14 * 86_400_000;

type Open = { kind: 'create' } | { kind: 'rotate' | 'revoke'; target: Key } | { kind: 'secret'; made: MadeKey };

/** Renders the keys of the account, with what each was last used for, and the dialogs that make and change them. */
export function KeysScreen() {
  const keys = useOperation('keys.list', {});
  const { key: editedId, all = false } = route.useSearch();
  const navigate = route.useNavigate();
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const edit = (key?: string) => navigate({ search: (search) => ({ ...search, key }), replace: true });
  const create = (
    <Button variant="primary" onPress={() => setOpen({ kind: 'create' })}>
      <Plus size={16} aria-hidden /> New key
    </Button>
  );
  return (
    <Screen
      title="Keys"
      lead="A key for each client: then you see what each did, and can revoke one alone."
      actions={create}
    >
      <Loaded result={keys}>
        {({ results }) => {
          const shown = results.filter(({ active }) => active || all);
          const edited = results.find(({ id, active }) => id === editedId && active);
          return (
            <div className="stack">
              {shown.length === 0 ? (
                <EmptyState title="No active keys">Agents and programs need a key to call the service.</EmptyState>
              ) : (
                <KeyTable keys={shown} onEdit={edit} onOpen={setOpen} />
              )}
              {results.some(({ active }) => !active) && (
                <Checkbox
                  isSelected={all}
                  onChange={(isAll) =>
                    navigate({ search: (search) => ({ ...search, all: isAll || undefined }), replace: true })
                  }
                >
                  Show revoked and expired keys
                </Checkbox>
              )}
              {edited && <EditKeyDialog target={edited} onClose={() => edit(undefined)} />}
            </div>
          );
        }}
      </Loaded>
      {open?.kind === 'create' && (
        <CreateKeyDialog onClose={close} onMade={(made) => setOpen({ kind: 'secret', made })} />
      )}
      {open?.kind === 'rotate' && (
        <RotateKeyDialog target={open.target} onClose={close} onMade={(made) => setOpen({ kind: 'secret', made })} />
      )}
      {open?.kind === 'revoke' && <RevokeKeyDialog target={open.target} onClose={close} />}
      {open?.kind === 'secret' && <KeySecretDialog made={open.made} onClose={close} />}
    </Screen>
  );
}

interface KeyTableProps {
  keys: readonly Key[];
  onEdit: (id: string) => void;
  onOpen: (open: Open) => void;
}

function KeyTable({ keys, onEdit, onOpen }: KeyTableProps) {
  return (
    <DataTable
      label="Keys"
      className="keys"
      columns={columnsOf(onEdit, onOpen)}
      rows={keys}
      keyOf={({ id }) => id}
      rowClass={({ active }) => (active ? undefined : 'inactive')}
    />
  );
}

function columnsOf(onEdit: KeyTableProps['onEdit'], onOpen: KeyTableProps['onOpen']): readonly Column<Key>[] {
  return [
    {
      label: 'Name',
      isRowHeader: true,
      value: (key) => (
        <>
          <span className="key-name">{key.name}</span>
          <code className="detail">{`${key.prefix}…${key.last4}`}</code>
        </>
      ),
    },
    { label: 'Last used', value: (key) => <LastUse item={key} /> },
    {
      label: 'Last 30 days',
      value: ({ calls_by_day: calls }) => calls.some((count) => count > 0) && <Sparkline values={calls} />,
    },
    { label: 'May', value: (key) => <Permissions item={key} /> },
    { label: 'Expires', value: (key) => <Expiry item={key} /> },
    {
      label: 'Actions',
      corner: 'actions',
      value: (key) => key.active && <KeyMenu item={key} onEdit={onEdit} onOpen={onOpen} />,
    },
  ];
}

function KeyMenu({ item, onEdit, onOpen }: Omit<KeyTableProps, 'keys'> & { item: Key }) {
  return (
    <Menu
      label={`Actions of key ${item.name}`}
      actions={[
        { id: 'edit', label: 'Rename or edit', run: () => onEdit(item.id) },
        { id: 'rotate', label: 'Rotate', run: () => onOpen({ kind: 'rotate', target: item }) },
        { id: 'revoke', label: 'Revoke', isDangerous: true, run: () => onOpen({ kind: 'revoke', target: item }) },
      ]}
    >
      <MoreHorizontal size={18} aria-hidden />
    </Menu>
  );
}

function LastUse({ item: { last_call: call, last_used_at: at } }: { item: Key }) {
  if (!call) return at ? <Time iso={at} /> : <span className="detail">Never</span>;
  return (
    <>
      <Time iso={call.at} />
      <span className="detail block">
        {formatClient(call.client)}, {formatTransport(call.transport)}
      </span>
    </>
  );
}

const SHORT: Record<string, string> = {
  'memories:read': 'read',
  'memories:write': 'write',
  'account:read': 'account',
  'keys:write': 'keys',
};

function Permissions({ item: { scopes, projects, rpm_limit: limit } }: { item: Key }) {
  return (
    <span className="key-scopes">
      {scopes.map((scope) => (
        <Badge key={scope}>{SHORT[scope] ?? scope}</Badge>
      ))}
      {projects && <span className="detail block key-projects">only {projectsInWords(projects)}</span>}
      {limit !== null && <span className="detail block">{formatNumber(limit)} a minute</span>}
    </span>
  );
}

function Expiry({ item: { active, revoked_at: revoked, expires_at: expires } }: { item: Key }) {
  if (revoked) return <Badge kind="error">Revoked {formatDate(revoked)}</Badge>;
  if (!expires) return <span className="detail">Never</span>;
  if (!active) return <Badge kind="error">Expired {formatDate(expires)}</Badge>;
  const isSoon = Date.parse(expires) - Date.now() < SOON_MS;
  return isSoon ? (
    <Badge kind="warning">
      <Time iso={expires} />
    </Badge>
  ) : (
    <span>{formatDate(expires)}</span>
  );
}
