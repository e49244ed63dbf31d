import { join } from 'node:path';
import type { Client } from '../../client-setup/clients.ts';
import type { Edit, Folders } from '../../client-setup/edits.ts';
import { FOLDER_RULES, MEMORY_RULES } from '../../client-setup/rules.ts';

/** Whom the lines are for: every project of the user, or the folder in which the command runs. */
export const RULE_SCOPES = ['user', 'folder'] as const;
export type RuleScope = (typeof RULE_SCOPES)[number];

/** Returns the edit that adds the lines to the instructions of a client. Empty where it has no such file. */
export function rulesEdits(client: Client, folders: Folders, scope: RuleScope, cwd: string): Edit[] {
  if (scope === 'user') {
    const file = client.rules?.(folders);
    return file === undefined ? [] : [{ kind: 'section', file, text: MEMORY_RULES }];
  }
  const file = FOLDER_RULES[client.id];
  if (file === undefined) return [];
  const path = join(cwd, file);
  if (!file.endsWith('.mdc')) return [{ kind: 'section', file: path, text: MEMORY_RULES }];
  const content = `---\ndescription: Use the memory of earlier sessions\nalwaysApply: true\n---\n${MEMORY_RULES}\n`;
  return [{ kind: 'file', file: path, content }];
}
