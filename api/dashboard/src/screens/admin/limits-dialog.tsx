import { useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Dialog, DialogActions } from '../../components/dialog.tsx';
import { Callout } from '../../components/feedback.tsx';
import { errorOf, TextField } from '../../components/fields.tsx';
import { formatNumber } from '../../components/format.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { type AccountDetails, CHANGED_BY_ACTS } from './account-details.ts';

const LIMITS = [
  { name: 'requests_per_minute', label: 'Calls a minute' },
  { name: 'requests_per_day', label: 'Calls a day' },
  { name: 'storage_bytes', label: 'Storage in bytes' },
] as const;

type Texts = Record<(typeof LIMITS)[number]['name'], string>;

/** Asks for the limits of an account that differ from its plan's, and replaces them. */
export function LimitsDialog({ account, onClose }: { account: AccountDetails; onClose: () => void }) {
  const [texts, setTexts] = useState<Texts>({
    requests_per_minute: textOf(account.overrides.requests_per_minute),
    requests_per_day: textOf(account.overrides.requests_per_day),
    storage_bytes: textOf(account.overrides.storage_bytes),
  });
  const set = useAction('admin.users.set_overrides', {
    changes: CHANGED_BY_ACTS,
    showsErrors: true,
    onSuccess: () => {
      onClose();
      notifyDone('The limits are set');
    },
  });
  const isInField = LIMITS.some(({ name }) => errorOf(set.error, name) !== undefined);
  return (
    <Dialog title="Set limits" isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          set.mutate({
            id: account.id,
            requests_per_minute: numberOf(texts.requests_per_minute),
            requests_per_day: numberOf(texts.requests_per_day),
            storage_bytes: numberOf(texts.storage_bytes),
          });
        }}
      >
        <p className="detail">An empty field has the limit of the plan.</p>
        {LIMITS.map(({ name, label }) => (
          <TextField
            key={name}
            label={label}
            inputMode="numeric"
            autoComplete="off"
            value={texts[name]}
            onChange={(text) => setTexts((former) => ({ ...former, [name]: text }))}
            placeholder={`${formatNumber(account.limits[name])} now`}
            error={errorOf(set.error, name)}
          />
        ))}
        {set.error && !isInField && <Callout kind="error">{set.error.message}</Callout>}
        <DialogActions>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" isPending={set.isPending}>
            Set limits
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function textOf(limit: number | undefined): string {
  return limit === undefined ? '' : String(limit);
}

/** Returns the number of a field; null for an empty one, and NaN, which the service rejects, for another text. */
function numberOf(text: string): number | null {
  const digits = text.replace(/[\s,_]/g, '');
  return digits === '' ? null : Number(digits);
}
