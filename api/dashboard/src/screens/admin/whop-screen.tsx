import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { Badge, Callout, EmptyState, Progress } from '../../components/feedback.tsx';
import { formatNumber, Time } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { AdminSection } from './admin-section.tsx';

type Reconciliation = OutputOf<'admin.reconciliation.get'>;

/** Milliseconds between two reads while a comparison waits or runs. */
const POLL_MS = 2_000;

/** Renders the last comparisons with Whop, what they repaired, and a button that starts one. */
export function WhopScreen() {
  const [isPolled, setPolled] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const result = useOperation('admin.reconciliation.get', {}, { refetchInterval: isPolled ? POLL_MS : false });
  const isBusy = result.data !== undefined && result.data.state !== 'idle';
  if (isBusy !== isPolled && result.data !== undefined) setPolled(isBusy);
  const run = useAction('admin.reconciliation.run', {
    changes: ['admin.reconciliation.get'],
    onSuccess: () => {
      setAsked(false);
      notifyDone('The comparison starts');
    },
  });
  return (
    <AdminSection
      title="Comparison with Whop"
      actions={
        result.data?.enabled && (
          <Button variant="primary" isDisabled={isBusy} onPress={() => setAsked(true)}>
            Compare now
          </Button>
        )
      }
    >
      <Loaded result={result}>{(data) => <Comparisons data={data} />}</Loaded>
      <ConfirmDialog
        title="Compare all memberships now?"
        action="Compare now"
        isDangerous={false}
        isOpen={isAsked}
        isPending={run.isPending}
        onConfirm={() => run.mutate({})}
        onClose={() => setAsked(false)}
      >
        <p>
          Every membership is compared with Whop's list. Accounts that differ are set to what Whop says, and their
          owners get an e-mail about a changed plan.
        </p>
      </ConfirmDialog>
    </AdminSection>
  );
}

function Comparisons({ data: { enabled, state, runs, differences } }: { data: Reconciliation }) {
  if (!enabled) {
    return (
      <EmptyState title="Nothing is sold here">
        Set WHOP_API_KEY to sell plans at Whop. Memberships are then compared every night.
      </EmptyState>
    );
  }
  return (
    <div className="stack">
      {state !== 'idle' && (
        <Progress label={state === 'running' ? 'Comparing memberships' : 'The comparison waits for a worker'} />
      )}
      <section className="panel">
        <h2>Last comparisons</h2>
        {runs.length === 0 && <p className="detail">None yet. They run at the start and every night.</p>}
        <ul className="admin-list">
          {runs.map((run) => (
            <li key={run.id} className="row spread">
              <span className="grow">
                <Time iso={run.started_at} isExact />
                <div className="detail">
                  {formatNumber(run.memberships)} memberships, {formatNumber(run.failed)} could not be compared
                </div>
                {run.error && <div className="admin-error admin-id">{run.error}</div>}
              </span>
              {run.error ? (
                <Badge kind="error">failed</Badge>
              ) : run.finished_at ? (
                <Badge kind={run.differences > 0 ? 'warning' : 'success'}>
                  {run.differences === 1 ? '1 difference' : `${formatNumber(run.differences)} differences`}
                </Badge>
              ) : (
                <Badge>not finished</Badge>
              )}
            </li>
          ))}
        </ul>
      </section>
      <section className="panel">
        <h2>Repaired differences of 30 days</h2>
        {differences.length === 0 && <p className="detail">None: the accounts were as Whop says.</p>}
        <ul className="admin-list">
          {differences.map((one) => (
            <li key={one.id} className="row spread">
              <span className="grow">
                <Link to="/admin/users/$id" params={{ id: one.user_id }} className="admin-id">
                  {one.email ?? one.user_id}
                </Link>
                <div className="detail admin-id">
                  {one.what}: {one.from ?? 'none'} → {one.to}
                </div>
              </span>
              {one.membership_id && <span className="mono admin-id">{one.membership_id}</span>}
            </li>
          ))}
        </ul>
      </section>
      {runs[0]?.failed ? (
        <Callout kind="warning">
          The log of the service names the memberships that could not be compared, with the reason.
        </Callout>
      ) : null}
    </div>
  );
}
