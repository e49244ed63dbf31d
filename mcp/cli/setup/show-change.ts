import { structuredPatch } from 'diff';
import type { Change } from './change.ts';

/** Returns the lines that a change adds and removes, with keys shortened to their ends. */
export function showChange({ before, after }: Change): string[] {
  const { hunks } = structuredPatch('', '', before ?? '', after ?? '', undefined, undefined, { context: 1 });
  return hunks
    .flatMap(({ lines }, index) => [...(index > 0 ? ['…'] : []), ...lines])
    .filter((line) => !line.startsWith('\\'))
    .map((line) => maskKeys(line.replace(/\r$/, '')));
}

/** Hides all of a key but its prefix and its last four characters. */
export function maskKeys(text: string): string {
  return text.replace(/(wm_[a-z0-9]+_)[0-9A-Za-z]{28}([0-9A-Za-z]{4})/g, '$1…$2');
}
