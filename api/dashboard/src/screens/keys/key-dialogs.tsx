import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog, Dialog, DialogActions } from '../../components/dialog.tsx';
import { Select } from '../../components/fields.tsx';
import { FormEnd } from '../../components/form-end.tsx';
import { formatDateTime } from '../../components/format.tsx';
import { SecretDialog } from '../../components/secret-dialog.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { type KeyFields, KeyForm, NEW_KEY, toInput } from './key-form.tsx';
import { SCOPES } from './scopes.ts';

export type Key = OutputOf<'keys.list'>['results'][number];

/** A key that was just made, with its secret. */
export interface MadeKey {
  name: string;
  secret: string;
  /** End of the key that it replaces. */
  previousUntil?: string;
}

interface DialogProps {
  onClose: () => void;
}

const CHANGES = ['keys.list', 'user.overview', 'user.audit_log'] as const;

/** Asks for the properties of a new key, and makes it. */
export function CreateKeyDialog({ onClose, onMade }: DialogProps & { onMade: (key: MadeKey) => void }) {
  const [fields, setFields] = useState<KeyFields>(NEW_KEY);
  const create = useAction('keys.create', {
    changes: CHANGES,
    showsErrors: true,
    onSuccess: ({ name, api_key: secret }) => onMade({ name, secret }),
  });
  return (
    <Dialog title="New key" isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate(toInput(fields));
        }}
      >
        <KeyForm
          fields={fields}
          onChange={setFields}
          error={create.error}
          available={SCOPES.map(({ scope }) => scope)}
        />
        <FormEnd label="Make the key" isPending={create.isPending} error={create.error} onClose={onClose} />
      </form>
    </Dialog>
  );
}

/** Shows a new key, which only this dialog ever shows. */
export function KeySecretDialog({ made, onClose }: DialogProps & { made: MadeKey }) {
  return (
    <SecretDialog
      title={`The key ${made.name}`}
      secret={made.secret}
      label="API key"
      previous={made.previousUntil && previousKeyText(made.previousUntil)}
      onClose={onClose}
    >
      Copy it now: it is stored nowhere, and we cannot show it again. We keep only its fingerprint, which recognizes the
      key. If you lose it, rotate it.
    </SecretDialog>
  );
}

function previousKeyText(until: string): string {
  return Date.parse(until) > Date.now()
    ? `The old key works until ${formatDateTime(until)}. Put the new one in its place until then.`
    : 'The old key no longer works. Put the new one in its place.';
}

/** Changes name, scopes, projects, expiry and limit of a key. Scopes can only be taken away. */
export function EditKeyDialog({ target, onClose }: DialogProps & { target: Key }) {
  const [fields, setFields] = useState<KeyFields>({
    name: target.name,
    scopes: target.scopes,
    projects: target.projects ?? [],
    expiry: 'keep',
    limit: target.rpm_limit === null ? '' : String(target.rpm_limit),
  });
  const update = useAction('keys.update', {
    changes: CHANGES,
    showsErrors: true,
    onSuccess: ({ name }) => {
      notifyDone(`Key ${name} changed`);
      onClose();
    },
  });
  return (
    <Dialog title={`Edit ${target.name}`} isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate({ id: target.id, ...toInput(fields) });
        }}
      >
        <KeyForm
          fields={fields}
          onChange={setFields}
          error={update.error}
          available={target.scopes}
          current={target.expires_at}
        />
        <p className="detail">A permission that is taken away cannot be given back: make a new key for that.</p>
        <FormEnd label="Save" isPending={update.isPending} error={update.error} onClose={onClose} />
      </form>
    </Dialog>
  );
}

const GRACE = [
  { value: '0', label: 'Stops at once' },
  { value: '3600', label: 'Works for one more hour' },
  { value: '86400', label: 'Works for one more day' },
  { value: '604800', label: 'Works for one more week' },
];

/** Replaces a key by a new one with the same properties. */
export function RotateKeyDialog({
  target,
  onClose,
  onMade,
}: DialogProps & { target: Key; onMade: (key: MadeKey) => void }) {
  const [grace, setGrace] = useState('86400');
  const rotate = useAction('keys.rotate', {
    changes: CHANGES,
    onSuccess: ({ name, api_key: secret, previous_key_expires_at: previousUntil }) =>
      onMade({ name, secret, previousUntil }),
  });
  return (
    <Dialog title={`Rotate ${target.name}`} isOpen onClose={onClose}>
      <div className="stack">
        <p>You get a new key with the same name, permissions, projects, expiry and limit. The owner gets an e-mail.</p>
        <Select label="The old key" choices={GRACE} value={grace} onChange={setGrace} />
        <DialogActions>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isPending={rotate.isPending}
            onPress={() => rotate.mutate({ id: target.id, grace_seconds: Number(grace) })}
          >
            Rotate
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

/** Revokes a key after a confirmation. */
export function RevokeKeyDialog({ target, onClose }: DialogProps & { target: Key }) {
  const revoke = useAction('keys.revoke', {
    changes: CHANGES,
    onSuccess: ({ name }) => {
      notifyDone(`Key ${name} revoked`);
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Revoke ${target.name}?`}
      action="Revoke key"
      isOpen
      isPending={revoke.isPending}
      onConfirm={() => revoke.mutate({ id: target.id })}
      onClose={onClose}
    >
      <p>
        Every client that uses <code>{`${target.prefix}…${target.last4}`}</code> stops working at once. This cannot be
        undone.
      </p>
    </ConfirmDialog>
  );
}
