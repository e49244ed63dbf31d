import type { ReactNode } from 'react';

/** Values of one kind, a value per day. */
export interface ChartSeries {
  label: string;
  kind: 'bars' | 'line';
  /** A design token, such as `--accent`. */
  color: string;
  /** Null where there is no value. */
  values: readonly (number | null)[];
}

export interface ChartProps {
  title: string;
  /** UTC days (`YYYY-MM-DD`), oldest first. */
  days: readonly string[];
  series: readonly ChartSeries[];
  format: (value: number) => string;
  /** Stands beside the title. */
  note?: ReactNode;
}

/** Formats a value of a series; a dash where there is none. */
export function formatValue(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}
