import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { ButtonLink } from '../../components/button.tsx';
import { Badge } from '../../components/feedback.tsx';
import { formatBytes, formatDate, formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';

type Membership = OutputOf<'user.memberships'>['results'][number];

const STATUS_WORDS: Record<string, string> = {
  active: 'Active',
  read_only: 'Read-only: the plan has ended',
  closing: 'Being deleted',
};

/** Renders the account's plan with its limits, its purchases at Whop, and the plans to change to. */
export function PlanPanel({ account }: { account: OutputOf<'user.me'> }) {
  const memberships = useOperation('user.memberships', {});
  const { limits } = account;
  return (
    <section className="panel" aria-labelledby="plan-title">
      <h2 id="plan-title">Plan and billing</h2>
      <dl className="facts">
        <dt>E-mail address</dt>
        <dd>{account.email ?? 'None: this is a local account.'}</dd>
        <dt>Plan</dt>
        <dd className="row">
          <strong className="capital">{account.plan}</strong>
          <Badge kind={account.status === 'active' ? 'success' : 'warning'}>
            {STATUS_WORDS[account.status] ?? account.status}
          </Badge>
        </dd>
        <dt>Limits</dt>
        <dd>
          {formatNumber(limits.requests_per_minute)} calls a minute, {formatNumber(limits.requests_per_day)} a day,{' '}
          {formatBytes(limits.storage_bytes)} of memories, {limits.rest ? 'over MCP and REST' : 'over MCP'}
        </dd>
        <dt>Account id</dt>
        <dd className="mono">{account.id}</dd>
        <dt>Since</dt>
        <dd>{formatDate(account.created_at)}</dd>
      </dl>
      <Loaded result={memberships}>
        {({ results, plans }) => (
          <div className="stack">
            {results.map((membership) => (
              <Purchase key={membership.id} membership={membership} />
            ))}
            {plans.some((plan) => !plan.is_current && plan.checkout_url) && (
              <div className="row">
                {plans
                  .filter((plan) => !plan.is_current && plan.checkout_url)
                  .map((plan) => (
                    <ButtonLink key={plan.name} href={plan.checkout_url as string} target="_blank" rel="noreferrer">
                      Change to {plan.name}, {plan.price}
                    </ButtonLink>
                  ))}
              </div>
            )}
          </div>
        )}
      </Loaded>
    </section>
  );
}

function Purchase({ membership }: { membership: Membership }) {
  const { plan, status, period_end: end, cancel_at_period_end: isCanceled, manage_url: manageUrl } = membership;
  return (
    <div className="purchase">
      <div className="grow">
        <strong className="capital">{plan}</strong> at Whop <span className="detail">{membership.id}</span>
        <p className="detail">
          {status}
          {end && (isCanceled ? `, ends on ${formatDate(end)}` : `, renews on ${formatDate(end)}`)}
        </p>
      </div>
      {manageUrl && (
        <ButtonLink href={manageUrl} target="_blank" rel="noreferrer">
          Invoices, payment, cancel
        </ButtonLink>
      )}
    </div>
  );
}
