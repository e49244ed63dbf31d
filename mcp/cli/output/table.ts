import type { Cli } from '../cli.ts';
import { oneLine, stylesOf } from './text.ts';

/** A column of a table. */
export interface Column<Row> {
  title: string;
  value(row: Row): string | number | null;
  /** Takes the width that the others leave, and is cut there. */
  isWide?: boolean;
}

const GAP = '  ';
const WIDE_MIN = 16;

/**
 * Returns the lines of a table: aligned and cut to the width of a terminal, with a heading; elsewhere the values of a row separated by
 * tabs, for programs.
 */
export function tableLines<Row>(cli: Pick<Cli, 'columns' | 'env'>, columns: Column<Row>[], rows: Row[]): string[] {
  const texts = rows.map((row) => columns.map(({ value }) => oneLine(String(value(row) ?? ''))));
  if (cli.columns === undefined) return texts.map((row) => row.join('\t'));
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...texts.map((row) => length(row[at] ?? ''))));
  const wide = columns.findIndex(({ isWide }) => isWide);
  const others = widths.reduce(
    (sum, width, at) => (at === wide ? sum : sum + width),
    GAP.length * (columns.length - 1),
  );
  if (wide >= 0) widths[wide] = Math.min(widths[wide] ?? 0, Math.max(WIDE_MIN, cli.columns - others));
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => {
        const text = oneLine(cell, widths[at]);
        return text + ' '.repeat((widths[at] ?? 0) - length(text));
      })
      .join(GAP)
      .trimEnd();
  return [stylesOf(cli).dim(line(columns.map(({ title }) => title))), ...texts.map(line)];
}

function length(text: string): number {
  return [...text].length;
}
