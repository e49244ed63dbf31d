import { useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { type AccountDetails, CHANGED_BY_ACTS } from './account-details.ts';
import { LimitsDialog } from './limits-dialog.tsx';
import { PlanDialog } from './plan-dialog.tsx';

/** Renders the buttons of what an operator can do with an account, and their dialogs. */
export function AccountActs({ account }: { account: AccountDetails }) {
  const [open, setOpen] = useState<'plan' | 'limits' | 'close' | 'restore'>();
  const close = () => setOpen(undefined);
  const name = account.email ?? account.id;
  const closeAccount = useAction('admin.users.close', {
    changes: CHANGED_BY_ACTS,
    onSuccess: () => {
      close();
      notifyDone(`${name} is being deleted`, () => restoreAccount.mutate({ id: account.id }));
    },
  });
  const restoreAccount = useAction('admin.users.restore', {
    changes: CHANGED_BY_ACTS,
    onSuccess: () => {
      close();
      notifyDone(`${name} is restored`);
    },
  });
  const isOpen = account.status === 'active' || account.status === 'read_only';
  return (
    <div className="row">
      <Button onPress={() => setOpen('plan')}>Set plan</Button>
      <Button onPress={() => setOpen('limits')}>Set limits</Button>
      {isOpen && (
        <Button variant="danger" onPress={() => setOpen('close')}>
          Close account
        </Button>
      )}
      {account.status === 'closing' && <Button onPress={() => setOpen('restore')}>Restore account</Button>}
      {open === 'plan' && <PlanDialog account={account} onClose={close} />}
      {open === 'limits' && <LimitsDialog account={account} onClose={close} />}
      <ConfirmDialog
        title="Close this account?"
        action="Close account"
        typed={name}
        isOpen={open === 'close'}
        isPending={closeAccount.isPending}
        onConfirm={() => closeAccount.mutate({ id: account.id })}
        onClose={close}
      >
        <p>
          From now on its keys and browsers can only export and restore it. After 30 days it is deleted for good, with
          all memories. Its owner gets an e-mail, and can restore it until then, as you can.
        </p>
      </ConfirmDialog>
      <ConfirmDialog
        title="Restore this account?"
        action="Restore account"
        isDangerous={false}
        isOpen={open === 'restore'}
        isPending={restoreAccount.isPending}
        onConfirm={() => restoreAccount.mutate({ id: account.id })}
        onClose={close}
      >
        <p>Its keys and browsers work again at once, and it is no longer deleted.</p>
      </ConfirmDialog>
    </div>
  );
}
