import { useOperation } from '../../api/hooks.ts';
import { Callout } from '../../components/feedback.tsx';
import { formatDate } from '../../components/format.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import './account.css';
import { AppsPanel } from './apps-panel.tsx';
import { AuditLog } from './audit-log.tsx';
import { CloseAccount, RestoreAccount } from './close-account.tsx';
import { ExportPanel } from './export-panel.tsx';
import { PlanPanel } from './plan-panel.tsx';
import { SessionsPanel } from './sessions-panel.tsx';

/** Renders the account: plan and billing, export, connected apps, signed-in browsers, audit log, and the end of the account. */
export function AccountScreen() {
  const me = useOperation('user.me', {});
  return (
    <Screen title="Account">
      <Loaded result={me}>
        {(account) => (
          <div className="stack large">
            {account.status === 'closing' && account.purge_at && (
              <Callout kind="warning">
                <div className="stack">
                  <p>
                    <strong>This account is being deleted.</strong> Everything in it is deleted permanently on{' '}
                    {formatDate(account.purge_at)}. Until then you can export it, or undo the deletion.
                  </p>
                  <RestoreAccount />
                </div>
              </Callout>
            )}
            <PlanPanel account={account} />
            <ExportPanel />
            <AppsPanel />
            <SessionsPanel />
            <AuditLog />
            {account.status !== 'closing' && <CloseAccount accountId={account.id} email={account.email} />}
          </div>
        )}
      </Loaded>
    </Screen>
  );
}
