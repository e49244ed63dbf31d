import { useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Snippet } from '../../components/copy.tsx';
import { Callout } from '../../components/feedback.tsx';
import { errorOf, Select, TextField } from '../../components/fields.tsx';
import { formatRelative } from '../../components/format.tsx';
import { ProjectPicker, projectsInWords } from '../keys/project-picker.tsx';

type Key = OutputOf<'keys.list'>['results'][number];

/** The key that the client will use. */
export interface ChosenKey {
  id: string;
  name: string;
  /** The secret, which only the browser that made the key has, until the page is left. */
  secret?: string;
}

interface ChooseKeyProps {
  keys: readonly Key[];
  suggestedName: string;
  chosen: ChosenKey | undefined;
  onChoose: (key: ChosenKey) => void;
}

/** Key under which the docs find the new key of this tab, to fill in their samples. */
const NEW_KEY = 'wm-new-key';
const SCOPES = ['memories:read', 'memories:write', 'account:read'] as const;

/** Renders a form that makes a key in place, and the choice of one that exists. */
export function ChooseKey({ keys, suggestedName, chosen, onChoose }: ChooseKeyProps) {
  const [name, setName] = useState<string>();
  const [projects, setProjects] = useState<string[]>([]);
  const create = useAction('keys.create', {
    changes: ['keys.list'],
    showsErrors: true,
    onSuccess: ({ api_key: secret, id, name: made }) => {
      rememberForDocs(secret);
      onChoose({ id, name: made, secret });
    },
  });
  const error = create.error;

  if (chosen?.secret) {
    return (
      <div className="stack">
        <Snippet text={chosen.secret} label="API key" />
        <Callout kind="warning">
          The key <strong>{chosen.name}</strong> is shown only now: we store its fingerprint, not the key. It already
          stands in the text below.
        </Callout>
      </div>
    );
  }
  return (
    <div className="stack">
      <form
        className="new-key"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({
            name: name ?? suggestedName,
            scopes: [...SCOPES],
            projects: projects.length === 0 ? null : projects,
          });
        }}
      >
        <TextField
          label="Name of the new key"
          value={name ?? suggestedName}
          onChange={setName}
          error={errorOf(error, 'name') ?? (error && !errorOf(error, 'projects') ? error.message : undefined)}
          description="It can store and find memories, and read its usage."
        />
        <ProjectPicker
          label="Only these projects"
          value={projects}
          onChange={setProjects}
          description="Optional. The client then sees and writes the memories of these projects only."
          error={errorOf(error, 'projects')}
        />
        <Button type="submit" variant="primary" isPending={create.isPending}>
          Make a key
        </Button>
      </form>
      {keys.length > 0 && (
        <Select
          label="Or use a key that you have"
          choices={[
            { value: '', label: 'Choose a key' },
            ...keys.map((key) => ({ value: key.id, label: `${key.name} (…${key.last4})`, detail: detailOf(key) })),
          ]}
          value={chosen?.id ?? ''}
          onChange={(id) => {
            const key = keys.find((candidate) => candidate.id === id);
            if (key) onChoose({ id: key.id, name: key.name });
          }}
          description="We do not have its secret. Put it in place of YOUR_API_KEY below."
        />
      )}
    </div>
  );
}

function detailOf({ last_used_at: at, projects }: Key): string {
  const use = at ? `last used ${formatRelative(at)}` : 'never used';
  return projects ? `${use}; only ${projectsInWords(projects)}` : use;
}

function rememberForDocs(secret: string): void {
  try {
    sessionStorage.setItem(NEW_KEY, secret);
  } catch {
    // Storage is blocked: the docs show a placeholder.
  }
}
