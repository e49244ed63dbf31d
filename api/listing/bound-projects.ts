import type { Caller } from '../context.ts';
import { invalidField, Problem } from '../errors.ts';

/*
 * A key that is bound to projects reads and writes the memories of these only. Row-level security hides all others from its statements;
 * the functions here say so to the caller, and choose the project where the caller named none.
 */

/** The name that stands for no project. */
export const NO_PROJECT = 'none';

/** Rejects a project outside those of the caller's key; null is no project. @throws Problem `project_not_allowed` */
export function requireProject(
  { projects }: Pick<Caller, 'projects'>,
  project: string | null,
  field = 'project',
): void {
  if (!projects || projects.includes(project ?? NO_PROJECT)) return;
  const message = `not among the projects of this API key, which are ${listProjects(projects)}`;
  throw new Problem('project_not_allowed', { detail: `${field}: ${message}.`, errors: [{ path: field, message }] });
}

/**
 * Returns the project of a new memory: the one that the caller names, or else the default of the connection.
 * @throws Problem `project_not_allowed`; `unprocessable` where a key is bound to several projects and the caller names none
 */
export function projectOfNew(caller: Caller, named: string | null | undefined): string | null {
  const project = named === undefined ? (caller.project ?? defaultOf(caller)) : named;
  requireProject(caller, project);
  return project;
}

function defaultOf({ projects }: Caller): string | null {
  if (!projects || projects.includes(NO_PROJECT)) return null;
  const [only, ...others] = projects;
  if (only !== undefined && others.length === 0) return only;
  throw invalidField('project', `required: name one of the projects of this API key, ${listProjects(projects)}`);
}

/** Lists the projects of a key in words. */
export function listProjects(projects: readonly string[]): string {
  return projects.map((project) => (project === NO_PROJECT ? 'no project' : JSON.stringify(project))).join(', ');
}
