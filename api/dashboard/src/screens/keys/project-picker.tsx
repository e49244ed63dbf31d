import { useOperation } from '../../api/hooks.ts';
import { NamePicker } from '../../components/name-picker.tsx';

/** The name that stands for the memories of no project. */
const NO_PROJECT = 'none';

interface ProjectPickerProps {
  label: string;
  value: readonly string[];
  onChange: (projects: string[]) => void;
  description?: string;
  error?: string | undefined;
}

/** Picks the projects of a key, from those in use or new ones. */
export function ProjectPicker(props: ProjectPickerProps) {
  const known = useOperation('projects.list', { limit: 200 });
  const names = (known.data?.results ?? []).map(({ name, active, archived }) => ({
    name: name ?? NO_PROJECT,
    count: active + archived,
    ...(name === null && { label: 'No project' }),
  }));
  if (!names.some(({ name }) => name === NO_PROJECT)) names.push({ name: NO_PROJECT, count: 0, label: 'No project' });
  return <NamePicker {...props} what="project" names={names} placeholder="All projects" allowsNew />;
}

/** Returns the projects of a key in words; undefined for a key of all projects. */
export function projectsInWords(projects: readonly string[] | null): string | undefined {
  return projects?.map((project) => (project === NO_PROJECT ? 'no project' : project)).join(', ');
}
