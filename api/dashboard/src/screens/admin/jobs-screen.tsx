import { useState } from 'react';
import { useAction, useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { Time } from '../../components/format.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { AdminSection } from './admin-section.tsx';
import { Pages } from './pages.tsx';

/** Renders the jobs that failed for good, with a button that runs one again. */
export function JobsScreen() {
  const jobs = useOperationPages('admin.jobs.list', {});
  const [chosen, setChosen] = useState<{ id: string; task: string }>();
  const retry = useAction('admin.jobs.retry', {
    changes: ['admin.jobs.list', 'admin.overview', 'admin.reconciliation.get'],
    onSuccess: () => {
      setChosen(undefined);
      notifyDone('The job runs again');
    },
  });
  return (
    <AdminSection title="Failed jobs">
      <Pages
        result={jobs}
        empty={
          <EmptyState title="No job has failed">Failed webhooks and e-mails are in sections of their own.</EmptyState>
        }
      >
        {(rows) => (
          <ul className="admin-list panel">
            {rows.map((row) => (
              <li key={row.id} className="row spread">
                <span className="grow">
                  <strong className="admin-id">{row.task}</strong>
                  <div className="detail">
                    failed <Time iso={row.failed_at} /> after {row.attempts}{' '}
                    {row.attempts === 1 ? 'attempt' : 'attempts'}
                  </div>
                  {row.last_error && <div className="admin-error admin-id">{row.last_error}</div>}
                </span>
                <Button aria-label={`Run again: job ${row.id}`} onPress={() => setChosen(row)}>
                  Run again
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Pages>
      <ConfirmDialog
        title="Run this job again?"
        action="Run again"
        isDangerous={false}
        isOpen={chosen !== undefined}
        isPending={retry.isPending}
        onConfirm={() => chosen && retry.mutate({ id: chosen.id })}
        onClose={() => setChosen(undefined)}
      >
        <p>
          <strong>{chosen?.task}</strong> starts at once, with all its attempts.
        </p>
      </ConfirmDialog>
    </AdminSection>
  );
}
