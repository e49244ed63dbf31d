import { useState } from 'react';
import type { ApiError, InputOf, OutputOf } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog, Dialog, DialogActions } from '../../components/dialog.tsx';
import { Checkbox, errorOf, Select, TextField } from '../../components/fields.tsx';
import { FormEnd } from '../../components/form-end.tsx';
import { formatDateTime } from '../../components/format.tsx';
import { SecretDialog } from '../../components/secret-dialog.tsx';
import { notifyDone } from '../../components/toasts.tsx';
import { EVENTS, type EventType } from './events.ts';

export type Webhook = OutputOf<'webhooks.get'>;

/** A secret that was just made. */
export interface MadeSecret {
  secret: string;
  /** Until when the secret that it replaces signs too. */
  previousUntil: string | null;
}

interface DialogProps {
  onClose: () => void;
}

/** Operations whose results change with a webhook. */
export const CHANGES = ['webhooks.list', 'webhooks.get', 'user.overview', 'user.audit_log'] as const;

type Fields = Required<InputOf<'webhooks.create'>>;

/** Asks for URL and events of a new webhook, and creates it. */
export function CreateWebhookDialog({ onClose, onMade }: DialogProps & { onMade: (made: MadeSecret) => void }) {
  const [fields, setFields] = useState<Fields>({ url: '', description: '', events: EVENTS.map(({ type }) => type) });
  const create = useAction('webhooks.create', {
    changes: CHANGES,
    showsErrors: true,
    onSuccess: ({ secret }) => onMade({ secret, previousUntil: null }),
  });
  return (
    <Dialog title="New webhook" isOpen onClose={onClose} size="reading">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate(fields);
        }}
      >
        <WebhookForm fields={fields} onChange={setFields} error={create.error} />
        <FormEnd label="Create webhook" isPending={create.isPending} onClose={onClose} error={create.error} />
      </form>
    </Dialog>
  );
}

/** Changes URL, description and events of a webhook. */
export function EditWebhookDialog({ target, onClose }: DialogProps & { target: Webhook }) {
  const { url, description, events } = target;
  const [fields, setFields] = useState<Fields>({ url, description, events: events as EventType[] });
  const update = useAction('webhooks.update', {
    changes: CHANGES,
    showsErrors: true,
    onSuccess: () => {
      notifyDone('Webhook changed');
      onClose();
    },
  });
  return (
    <Dialog title="Edit webhook" isOpen onClose={onClose} size="reading">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate({ id: target.id, ...fields });
        }}
      >
        <WebhookForm fields={fields} onChange={setFields} error={update.error} />
        <FormEnd label="Save" isPending={update.isPending} onClose={onClose} error={update.error} />
      </form>
    </Dialog>
  );
}

interface WebhookFormProps {
  fields: Fields;
  onChange: (fields: Fields) => void;
  error: ApiError | null;
}

function WebhookForm({ fields, onChange, error }: WebhookFormProps) {
  const set = (change: Partial<Fields>) => onChange({ ...fields, ...change });
  const chosen = fields.events;
  const eventsError = errorOf(error, 'events');
  return (
    <>
      <TextField
        label="URL"
        value={fields.url}
        onChange={(url) => set({ url })}
        placeholder="https://example.com/hooks/whitemagic"
        description="Receives a POST request for each event. It must be public and start with https://."
        error={errorOf(error, 'url')}
        autoFocus
      />
      <TextField
        label="Description"
        value={fields.description}
        onChange={(description) => set({ description })}
        placeholder="Search index of the shop"
        error={errorOf(error, 'description')}
      />
      <fieldset className="scopes">
        <legend>Events</legend>
        {EVENTS.map(({ type, label }) => (
          <Checkbox
            key={type}
            isSelected={chosen.includes(type)}
            onChange={(isSelected) =>
              set({ events: isSelected ? [...chosen, type] : chosen.filter((other) => other !== type) })
            }
          >
            <span>
              {label} <code className="detail">{type}</code>
            </span>
          </Checkbox>
        ))}
        {eventsError && <p className="react-aria-FieldError">Events: {eventsError}</p>}
      </fieldset>
    </>
  );
}

/** Shows a new signing secret, which only this dialog ever shows. */
export function SigningSecretDialog({ made, onClose }: DialogProps & { made: MadeSecret }) {
  return (
    <SecretDialog
      title="The signing secret"
      secret={made.secret}
      label="signing secret"
      previous={made.previousUntil ? previousSecretText(made.previousUntil) : undefined}
      onClose={onClose}
    >
      Copy it now: we do not show it again. Your receiver verifies with it that an event comes from us.{' '}
      <a href="/docs/webhooks">How to verify events</a>
    </SecretDialog>
  );
}

function previousSecretText(until: string): string {
  return Date.parse(until) > Date.now()
    ? `Until ${formatDateTime(until)}, events are signed with the old secret too.`
    : 'Events are no longer signed with the old secret.';
}

const GRACE = [
  { value: '0', label: 'Stops signing at once' },
  { value: '3600', label: 'Signs too for one hour' },
  { value: '86400', label: 'Signs too for one day' },
  { value: '604800', label: 'Signs too for one week' },
];

/** Replaces the secret of a webhook. */
export function RotateSecretDialog({
  target,
  onClose,
  onMade,
}: DialogProps & { target: Webhook; onMade: (made: MadeSecret) => void }) {
  const [grace, setGrace] = useState('86400');
  const rotate = useAction('webhooks.rotate_secret', {
    changes: CHANGES,
    onSuccess: ({ secret, previous_secret_expires_at: previousUntil }) => onMade({ secret, previousUntil }),
  });
  return (
    <Dialog title="Replace the signing secret" isOpen onClose={onClose}>
      <div className="stack">
        <p>While both secrets sign, you can change your receiver without missing an event.</p>
        <Select label="The old secret" choices={GRACE} value={grace} onChange={setGrace} />
        <DialogActions>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isPending={rotate.isPending}
            onPress={() => rotate.mutate({ id: target.id, grace_seconds: Number(grace) })}
          >
            Replace secret
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

/** Deletes a webhook after a confirmation. */
export function DeleteWebhookDialog({
  target,
  onClose,
  onDone,
}: DialogProps & { target: Webhook; onDone: () => void }) {
  const remove = useAction('webhooks.delete', {
    changes: ['webhooks.list', 'user.overview', 'user.audit_log'],
    onSuccess: () => {
      notifyDone('Webhook deleted');
      onDone();
    },
  });
  return (
    <ConfirmDialog
      title="Delete this webhook?"
      action="Delete webhook"
      isOpen
      isPending={remove.isPending}
      onConfirm={() => remove.mutate({ id: target.id })}
      onClose={onClose}
    >
      <p>
        <code>{target.url}</code> gets no more events, and the list of its deliveries is deleted. This cannot be undone.
        To stop it for a while, disable it.
      </p>
    </ConfirmDialog>
  );
}
