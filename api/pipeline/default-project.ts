import type { Caller } from '../context.ts';
import { NO_PROJECT } from '../listing/bound-projects.ts';

/**
 * Sets the default project of a connection. For a bound key, one outside its projects is ignored, since a client may derive it from a
 * folder; the only project of a key is its default.
 */
export function setDefaultProject(caller: Caller, project: string | undefined): void {
  const { projects } = caller;
  const [only] = projects?.length === 1 ? projects : [];
  const allowed = projects && project !== undefined && !projects.includes(project) ? undefined : project;
  const chosen = allowed ?? (only === NO_PROJECT ? undefined : only);
  if (chosen !== undefined) caller.project = chosen;
}
