import { useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Dialog, DialogActions } from '../../components/dialog.tsx';
import { Callout } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { type AccountDetails, CHANGED_BY_ACTS } from './account-details.ts';

const PLANS = ['free', 'starter', 'pro', 'enterprise'] as const;

/** Asks for the plan of an account and sets it. It says when Whop will set it back. */
export function PlanDialog({ account, onClose }: { account: AccountDetails; onClose: () => void }) {
  const [plan, setPlan] = useState(account.plan);
  const undo = useAction('admin.users.set_plan', { changes: CHANGED_BY_ACTS });
  const set = useAction('admin.users.set_plan', {
    changes: CHANGED_BY_ACTS,
    onSuccess: () => {
      onClose();
      notifyDone(`The plan is ${plan}`, () => undo.mutate({ id: account.id, plan: account.plan }));
    },
  });
  const bought = account.memberships.filter(({ grants_access }) => grants_access);
  return (
    <Dialog title="Set the plan" isOpen onClose={onClose}>
      <div className="stack">
        <Select
          label="Plan"
          choices={PLANS.map((name) => ({ value: name, label: name }))}
          value={plan}
          onChange={setPlan}
          description="It applies from the next call."
        />
        {bought.length > 0 && !bought.some((membership) => membership.plan === plan) && (
          <Callout kind="warning">
            This account has bought <strong>{bought.map((membership) => membership.plan).join(', ')}</strong> at Whop.
            The next comparison with Whop sets that plan again. Change the membership at Whop, or set limits of its own
            here: those stay.
          </Callout>
        )}
      </div>
      <DialogActions>
        <Button onPress={onClose}>Cancel</Button>
        <Button
          variant="primary"
          isDisabled={plan === account.plan}
          isPending={set.isPending}
          onPress={() => set.mutate({ id: account.id, plan })}
        >
          Set plan
        </Button>
      </DialogActions>
    </Dialog>
  );
}
