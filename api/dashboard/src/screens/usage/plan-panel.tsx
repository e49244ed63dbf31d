import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { Loading } from '../../components/feedback.tsx';
import { formatDate, Time } from '../../components/format.tsx';
import { PlanMeters } from '../../components/plan-meters.tsx';

type Plan = OutputOf<'user.usage'>['plan'];

/** Renders today against the plan, what happens at its limits, and the ways to a larger one. */
export function PlanPanel({ plan }: { plan: Plan | undefined }) {
  if (!plan) return <Loading label="Loading the plan" lines={3} />;
  return (
    <PlanMeters plan={plan} links={<PlanLinks />}>
      At the limit of calls, further ones are rejected with status 429 until 00:00 UTC (
      <Time iso={plan.calls_today.resets_at} />
      ); nothing is charged in addition. When the storage is full, new memories are rejected with status 403, and
      reading, archiving and deleting still work. You get an e-mail at 80 % and at 100 %. Calls of this dashboard do not
      count. Billable calls since the first of this UTC month: {plan.requests_this_month.toLocaleString('en-US')}.
    </PlanMeters>
  );
}

/** Renders the links to a checkout of each larger plan, and to the page that manages the present one. */
function PlanLinks() {
  const memberships = useOperation('user.memberships', {});
  if (!memberships.data) return null;
  const { results, plans } = memberships.data;
  const [current] = results.filter(({ grants_access }) => grants_access);
  const present = plans.findIndex(({ is_current }) => is_current);
  const larger = plans.slice(present + 1).filter(({ checkout_url }) => checkout_url !== null);
  return (
    <div className="row">
      {current?.period_end && (
        <span className="detail">
          {current.cancel_at_period_end ? 'Ends' : 'Renews'} {formatDate(current.period_end)}
        </span>
      )}
      {current?.manage_url && (
        <a className="button quiet" href={current.manage_url} rel="noreferrer" target="_blank">
          Billing
        </a>
      )}
      {larger.map(({ name, price, checkout_url: url }) => (
        <a key={name} className="button primary" href={url ?? ''} rel="noreferrer" target="_blank">
          <span>
            Upgrade to <span className="plan-name">{name}</span>, {price}
          </span>
        </a>
      ))}
    </div>
  );
}
