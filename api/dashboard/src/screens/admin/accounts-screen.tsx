import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useOperation, useOperationPages } from '../../api/hooks.ts';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Badge, EmptyState } from '../../components/feedback.tsx';
import { SearchField } from '../../components/fields.tsx';
import { formatBytes, formatNumber, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { AdminSection } from './admin-section.tsx';
import { Pages } from './pages.tsx';
import { StatusBadge } from './status-badge.tsx';

type Account = OutputOf<'admin.users.list'>['results'][number];

/** Milliseconds after the last key press at which a search starts. */
const SEARCH_DELAY_MS = 250;

/** Renders the search of accounts, and how far embedding is behind. */
export function AccountsScreen() {
  const { q = '' } = useSearch({ from: '/admin' });
  const navigate = useNavigate({ from: '/admin' });
  const [text, setText] = useState(q);
  const [query, setQuery] = useState(q);
  useEffect(() => {
    const timer = setTimeout(() => setQuery(text.trim()), SEARCH_DELAY_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const change = (next: string) => {
    setText(next);
    void navigate({ search: next ? { q: next } : {}, replace: true });
  };
  const accounts = useOperationPages('admin.users.list', query ? { query } : {});
  return (
    <AdminSection title="Accounts">
      <Counts />
      <SearchField
        label="Find accounts"
        placeholder="Beginning of an e-mail address, Whop user id or account id"
        value={text}
        onChange={change}
        autoComplete="off"
        spellCheck="false"
      />
      <Pages
        result={accounts}
        empty={
          <EmptyState title={query ? 'No account begins like that' : 'There are no accounts yet'}>
            {query
              ? 'Search for the beginning of an e-mail address, of a Whop user id (user_…), or of an account id.'
              : 'An account is made when someone buys a plan, or with "whitemagic-server admin users create".'}
          </EmptyState>
        }
      >
        {(rows) => <DataTable label="Accounts" columns={COLUMNS} rows={rows} keyOf={({ id }) => id} />}
      </Pages>
    </AdminSection>
  );
}

function Counts() {
  const overview = useOperation('admin.overview', {});
  return (
    <Loaded result={overview}>
      {({ users, embedding }) => (
        <dl className="admin-counts">
          <Count label="Accounts" value={users} />
          <Count
            label="Memories that wait for embedding"
            value={embedding.waiting}
            detail={
              embedding.waiting > 0 ? `the oldest for ${formatNumber(embedding.oldest_seconds)} s` : 'none is late'
            }
          />
          <Count label="Memories to embed again" value={embedding.reembedding} detail="after a change of the model" />
          <Count label="Memories given up" value={embedding.failed} detail="they cannot be embedded" />
        </dl>
      )}
    </Loaded>
  );
}

function Count({ label, value, detail }: { label: string; value: number; detail?: string }) {
  return (
    <div className="panel">
      <dt className="detail">{label}</dt>
      <dd>
        <span className="admin-count number">{formatNumber(value)}</span>
        {detail && <span className="detail"> {detail}</span>}
      </dd>
    </div>
  );
}

const COLUMNS: readonly Column<Account>[] = [
  {
    label: 'Account',
    isRowHeader: true,
    value: (row) => (
      <div className="admin-account">
        <Link to="/admin/users/$id" params={{ id: row.id }}>
          {row.email ?? row.id}
        </Link>
        <div className="detail clipped">{row.whop_user_id ?? 'without a purchase at Whop'}</div>
      </div>
    ),
  },
  {
    label: 'Plan',
    value: (row) => (
      <span className="row">
        {row.plan}
        {row.is_operator && <Badge kind="accent">operator</Badge>}
      </span>
    ),
  },
  { label: 'Status', corner: 'state', value: (row) => <StatusBadge status={row.status} /> },
  { label: 'Memories', isNumber: true, value: (row) => formatNumber(row.memories) },
  { label: 'Storage', isNumber: true, value: (row) => formatBytes(row.storage_bytes) },
  { label: 'Last seen', value: (row) => (row.last_seen_at ? <Time iso={row.last_seen_at} /> : 'never') },
];
