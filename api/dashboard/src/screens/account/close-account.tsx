import { useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { Callout } from '../../components/feedback.tsx';
import { notifyDone } from '../../components/toasts.tsx';

/** Operations whose results an end of the account changes. */
const CHANGES = ['user.me', 'user.overview', 'user.audit_log'] as const;

/** Renders the button that deletes the account, after a typed confirmation. */
export function CloseAccount({ accountId, email }: { accountId: string; email: string | null }) {
  const [isAsking, setAsking] = useState(false);
  const close = useAction('account.delete', {
    changes: CHANGES,
    onSuccess: () => {
      setAsking(false);
      notifyDone('The account will be deleted in 30 days');
    },
  });
  const name = email ?? 'delete my account';
  return (
    <section className="panel" aria-labelledby="close-title">
      <h2 id="close-title">Delete the account</h2>
      <div className="stack">
        <p>
          Your keys stop at once: they can only export the account or restore it. After 30 days everything is deleted
          permanently. You can undo it until then.
        </p>
        <div>
          <Button variant="danger" onPress={() => setAsking(true)}>
            Delete the account …
          </Button>
        </div>
      </div>
      <ConfirmDialog
        title="Delete the account?"
        action="Delete the account"
        typed={name}
        isOpen={isAsking}
        isPending={close.isPending}
        onConfirm={() => close.mutate({ confirm: accountId })}
        onClose={() => setAsking(false)}
      >
        <ul>
          <li>At once: your keys and agents can no longer store or find memories.</li>
          <li>For 30 days: you can sign in, export everything, and undo this.</li>
          <li>After 30 days: memories, keys, usage and e-mail address are deleted permanently.</li>
        </ul>
        <Callout kind="warning">A paid plan is not canceled by this. Cancel it at Whop.</Callout>
      </ConfirmDialog>
    </section>
  );
}

/** Renders the button that undoes the deletion of the account. */
export function RestoreAccount() {
  const restore = useAction('account.restore', {
    changes: CHANGES,
    onSuccess: () => notifyDone('The account was restored'),
  });
  return (
    <div>
      <Button variant="primary" isPending={restore.isPending} onPress={() => restore.mutate({})}>
        Undo the deletion
      </Button>
    </div>
  );
}
