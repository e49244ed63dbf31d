import { Link, useParams } from '@tanstack/react-router';
import { useOperation } from '../../api/hooks.ts';
import { CopyButton } from '../../components/copy.tsx';
import { Badge, Meter } from '../../components/feedback.tsx';
import { formatBytes, formatDate, formatNumber, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { AccountActs } from './account-acts.tsx';
import { AccountAudit } from './account-audit.tsx';
import type { AccountDetails } from './account-details.ts';
import { AccountKeys } from './account-keys.tsx';
import { AdminSection } from './admin-section.tsx';
import { StatusBadge } from './status-badge.tsx';

/** Renders one account for the operator: plan, status, usage, memberships, keys and audit log. */
export function AccountScreen() {
  const { id } = useParams({ from: '/admin/users/$id' });
  const account = useOperation('admin.users.get', { id });
  const title = account.data ? (account.data.email ?? 'Account without an e-mail address') : 'Account';
  return (
    <AdminSection title={title}>
      <Loaded result={account}>
        {(data) => (
          <div className="stack">
            <AccountActs account={data} />
            <div className="columns">
              <Facts account={data} />
              <Usage account={data} />
            </div>
            <Memberships account={data} />
            <AccountKeys account={data} />
            <AccountAudit id={data.id} />
          </div>
        )}
      </Loaded>
    </AdminSection>
  );
}

function Facts({ account }: { account: AccountDetails }) {
  const since = account.closing_since ?? account.read_only_since;
  return (
    <section className="panel">
      <h2>Account</h2>
      <dl className="facts">
        <dt>Plan</dt>
        <dd className="row">
          {account.plan}
          {account.is_operator && <Badge kind="accent">operator</Badge>}
        </dd>
        <dt>Status</dt>
        <dd>
          <StatusBadge status={account.status} />
          {since && <div className="detail">since {formatDate(since)}</div>}
          {account.purge_at && <div className="detail">deleted for good on {formatDate(account.purge_at)}</div>}
        </dd>
        <dt>Account id</dt>
        <dd className="row">
          <span className="mono admin-id">{account.id}</span>
          <CopyButton text={account.id} label="account id" />
        </dd>
        <dt>Whop user id</dt>
        <dd className="admin-id">{account.whop_user_id ?? 'none: nothing was bought at Whop'}</dd>
        <dt>Created</dt>
        <dd>
          <Time iso={account.created_at} />
        </dd>
        <dt>Last seen</dt>
        <dd>{account.last_seen_at ? <Time iso={account.last_seen_at} /> : 'never'}</dd>
        <dt>Signed-in browsers</dt>
        <dd>{formatNumber(account.sessions)}</dd>
        <dt>E-mails</dt>
        <dd>
          <Link to="/admin/mails" search={{ user: account.id }}>
            E-mails to this account
          </Link>
        </dd>
      </dl>
    </section>
  );
}

function Usage({ account }: { account: AccountDetails }) {
  const { usage, limits, embedding } = account;
  const own = Object.keys(account.overrides);
  return (
    <section className="panel stack">
      <h2>Usage</h2>
      <Meter
        label="Calls today"
        used={usage.quota_units_today}
        limit={limits.requests_per_day}
        text={`${formatNumber(usage.quota_units_today)} of ${formatNumber(limits.requests_per_day)}`}
      />
      <Meter
        label="Storage"
        used={account.storage_bytes}
        limit={limits.storage_bytes}
        text={`${formatBytes(account.storage_bytes)} of ${formatBytes(limits.storage_bytes)}`}
      />
      <DayBars days={usage.days} />
      <dl className="facts">
        <dt>Last 30 days</dt>
        <dd>
          {formatNumber(usage.last_30_days.calls)} calls, {formatNumber(usage.last_30_days.errors)} errors
        </dd>
        <dt>Calls a minute</dt>
        <dd>{formatNumber(limits.requests_per_minute)}</dd>
        <dt>Own limits</dt>
        <dd>{own.length > 0 ? own.map((name) => name.replaceAll('_', ' ')).join(', ') : 'none: those of the plan'}</dd>
        <dt>Memories</dt>
        <dd>
          {formatNumber(account.memories)}
          <div className="detail">
            {formatNumber(embedding.pending)} wait for embedding, {formatNumber(embedding.failed)} given up
          </div>
        </dd>
      </dl>
    </section>
  );
}

const BARS = 30;

/** Renders the calls of the last 30 days as bars. */
function DayBars({ days }: { days: AccountDetails['usage']['days'] }) {
  const calls = new Map(days.map((day) => [day.day, day.calls]));
  const today = Date.now();
  const values = Array.from({ length: BARS }, (_, index) => {
    const day = new Date(today - (BARS - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { day, calls: calls.get(day) ?? 0 };
  });
  const most = Math.max(1, ...values.map((value) => value.calls));
  return (
    <svg
      className="admin-bars"
      viewBox={`0 0 ${BARS} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label="Calls by day, the last 30 days"
    >
      {values.map((value, index) => {
        const height = value.calls > 0 ? Math.max(0.4, (value.calls / most) * 10) : 0.2;
        return <rect key={value.day} x={index + 0.1} y={10 - height} width="0.8" height={height} />;
      })}
    </svg>
  );
}

function Memberships({ account }: { account: AccountDetails }) {
  return (
    <section className="panel">
      <h2>Memberships at Whop</h2>
      {account.memberships.length === 0 && <p className="detail">None.</p>}
      <ul className="admin-list">
        {account.memberships.map((membership) => (
          <li key={membership.id} className="row spread">
            <span>
              <strong>{membership.plan}</strong> <span className="mono admin-id">{membership.id}</span>
              <div className="detail">
                {membership.period_end
                  ? `${membership.cancel_at_period_end ? 'ends' : 'renews'} on ${formatDate(membership.period_end)}`
                  : 'without an end'}
                {!membership.confirmed && ', not yet confirmed by Whop'}
              </div>
            </span>
            <Badge kind={membership.grants_access ? 'success' : 'neutral'}>{membership.status}</Badge>
          </li>
        ))}
      </ul>
    </section>
  );
}
