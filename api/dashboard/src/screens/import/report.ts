import { call } from '../../api/client.ts';

const HEADER = ['line', 'record', 'code', 'reason'];
/** A spreadsheet would run such a text as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Downloads the report of an import as CSV, every page of it.
 * @throws ApiError
 */
export async function downloadReport(id: string): Promise<void> {
  const rows: (string | number)[][] = [HEADER];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(id, cursor);
    rows.push(...page.results.map(({ line, what, code, why }) => [line, what, code, why]));
    cursor = page.next_cursor;
  } while (cursor !== null);
  const url = URL.createObjectURL(new Blob([rows.map(toCsv).join('')], { type: 'text/csv' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: `import-report-${id}.csv` });
  link.click();
  URL.revokeObjectURL(url);
}

function readPage(id: string, cursor: string | null) {
  return call('imports.report', { id, limit: 200, ...(cursor !== null && { cursor }) });
}

function toCsv(cells: readonly (string | number)[]): string {
  const quoted = cells.map((cell) => {
    const text = String(cell);
    return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  });
  return `${quoted.join(',')}\r\n`;
}
