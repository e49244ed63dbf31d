import { PROBLEMS } from '../../errors.ts';
import { markdownTable } from './markdown-table.ts';

/** Writes the table of all error codes. The `type` of a problem document refers to its row. */
export function errorTable(): string {
  const rows = Object.entries(PROBLEMS).map(([code, [status, title, advice]]) => [
    `\`${code}\``,
    String(status),
    `${title}.`,
    advice,
  ]);
  return markdownTable(['code', 'status', 'meaning', 'what to do'], rows);
}
