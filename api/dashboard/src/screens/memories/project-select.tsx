import { useOperation } from '../../api/hooks.ts';
import { type Choice, Select } from '../../components/fields.tsx';
import { NO_PROJECT } from './search-params.ts';

const ANY = '*';

interface ProjectSelectProps {
  label: string;
  /** A project, {@link NO_PROJECT}, or undefined for any. */
  value: string | undefined;
  anyLabel: string;
  onChange: (project: string | undefined) => void;
}

/** Renders the choice of one of the account's projects, of none, or of any. */
export function ProjectSelect({ label, value, anyLabel, onChange }: ProjectSelectProps) {
  const projects = useOperation('projects.list', { limit: 200 });
  const names = (projects.data?.results ?? []).flatMap(({ name }) => (name === null ? [] : [name]));
  // A project of the URL is shown, whether or not it is among the largest.
  if (value !== undefined && value !== NO_PROJECT && !names.includes(value)) names.unshift(value);
  const choices: Choice<string>[] = [
    { value: ANY, label: anyLabel },
    { value: NO_PROJECT, label: 'No project' },
    ...names.map((name) => ({ value: name, label: name })),
  ];
  return (
    <Select
      label={label}
      value={value ?? ANY}
      choices={choices}
      onChange={(project) => onChange(project === ANY ? undefined : project)}
    />
  );
}
