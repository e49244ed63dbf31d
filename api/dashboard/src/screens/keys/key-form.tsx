import type { ApiError, InputOf } from '../../api/client.ts';
import { Checkbox, errorOf, Select, TextField } from '../../components/fields.tsx';
import { formatDate } from '../../components/format.tsx';
import { ProjectPicker } from './project-picker.tsx';
import { SCOPES, type Scope } from './scopes.ts';

const DAY_MS = 86_400_000;

/** Fields of a form for a key. */
export interface KeyFields {
  name: string;
  scopes: readonly Scope[];
  /** Projects that the key is bound to; empty for all. */
  projects: readonly string[];
  /** Days until the expiry, `never`, or `keep` for that of the key. */
  expiry: string;
  /** Calls a minute; empty for the plan's. */
  limit: string;
}

export const NEW_KEY: KeyFields = {
  name: '',
  scopes: ['memories:read', 'memories:write', 'account:read'],
  projects: [],
  expiry: 'never',
  limit: '',
};

interface KeyFormProps {
  fields: KeyFields;
  onChange: (fields: KeyFields) => void;
  error: ApiError | null;
  /** Scopes that can be chosen; others are shown, but cannot be added. */
  available: readonly Scope[];
  /** Expiry of the key that is edited; undefined for a new one. */
  current?: string | null;
}

/** Renders the fields of a key, with the reasons why they were rejected. */
export function KeyForm({ fields, onChange, error, available, current }: KeyFormProps) {
  const set = (change: Partial<KeyFields>) => onChange({ ...fields, ...change });
  const scopesError = errorOf(error, 'scopes');
  return (
    <div className="stack">
      <TextField
        label="Name"
        value={fields.name}
        onChange={(name) => set({ name })}
        placeholder="Claude Code on my laptop"
        error={errorOf(error, 'name')}
        autoFocus
      />
      <fieldset className="scopes">
        <legend>This key may</legend>
        {SCOPES.map(({ scope, label }) => (
          <Checkbox
            key={scope}
            isSelected={fields.scopes.includes(scope)}
            isDisabled={!available.includes(scope)}
            onChange={(isSelected) =>
              set({
                scopes: isSelected ? [...fields.scopes, scope] : fields.scopes.filter((chosen) => chosen !== scope),
              })
            }
          >
            {label}
          </Checkbox>
        ))}
        {scopesError && <p className="react-aria-FieldError">Scopes: {scopesError}</p>}
      </fieldset>
      <ProjectPicker
        label="Only these projects"
        value={fields.projects}
        onChange={(projects) => set({ projects })}
        description="Optional. The key then sees and writes the memories of these projects only."
        error={errorOf(error, 'projects')}
      />
      <Select
        label="Expires"
        choices={[
          ...(current === undefined
            ? []
            : [{ value: 'keep', label: current ? `On ${formatDate(current)}` : 'Never, as now' }]),
          { value: 'never', label: 'Never' },
          { value: '30', label: 'In 30 days' },
          { value: '90', label: 'In 90 days' },
          { value: '365', label: 'In a year' },
        ].filter(({ value }) => !(value === 'never' && current === null))}
        value={fields.expiry}
        onChange={(expiry) => set({ expiry })}
        error={errorOf(error, 'expires_at')}
      />
      <TextField
        label="Own limit (calls a minute)"
        value={fields.limit}
        onChange={(limit) => set({ limit })}
        inputMode="numeric"
        placeholder="The limit of the plan"
        description="Optional. A lower limit keeps one program from using up the minute of the others."
        error={errorOf(error, 'rpm_limit')}
      />
    </div>
  );
}

/** Returns the input of an operation for the fields of a form. */
export function toInput(fields: KeyFields): InputOf<'keys.create'> {
  const { name, scopes, projects, expiry, limit } = fields;
  const days = Number(expiry);
  return {
    name,
    scopes: [...scopes],
    projects: projects.length === 0 ? null : [...projects],
    ...(expiry !== 'keep' && {
      expires_at: Number.isNaN(days) ? null : new Date(Date.now() + days * DAY_MS).toISOString(),
    }),
    // A text that is no number is sent as it is, and rejected with the field's name.
    rpm_limit: limit.trim() === '' ? null : ((Number(limit) || limit) as number),
  };
}
