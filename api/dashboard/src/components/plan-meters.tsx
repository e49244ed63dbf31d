import type { ReactNode } from 'react';
import type { OutputOf } from '../api/client.ts';
import { Meter } from './feedback.tsx';
import { formatBytes, formatNumber } from './format.tsx';

interface PlanMetersProps {
  plan: OutputOf<'user.usage'>['plan'];
  /** Links beside the title. */
  links: ReactNode;
  /** A paragraph below the meters. */
  children: ReactNode;
}

/** Renders today's calls and the storage against the limits of the plan. */
export function PlanMeters({ plan, links, children }: PlanMetersProps) {
  const { calls_today: calls, storage_bytes: storage } = plan;
  return (
    <section className="panel stack" aria-label="Today against the plan">
      <div className="row spread">
        <h2>
          Today on the <span className="plan-name">{plan.name}</span> plan
        </h2>
        {links}
      </div>
      <div className="meters">
        <Meter
          label="Calls"
          used={calls.used}
          limit={calls.limit}
          text={`${formatNumber(calls.used)} of ${formatNumber(calls.limit)}`}
        />
        <Meter
          label="Storage"
          used={storage.used}
          limit={storage.limit}
          text={`${formatBytes(storage.used)} of ${formatBytes(storage.limit)}`}
        />
      </div>
      <p className="detail">{children}</p>
    </section>
  );
}
