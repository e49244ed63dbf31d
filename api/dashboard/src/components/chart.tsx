import { lazy, Suspense } from 'react';
import './chart.css';
import { type ChartProps, formatValue } from './chart-series.ts';
import { DataTable } from './data-table.tsx';

const Canvas = lazy(() => import('./chart-canvas.tsx'));

interface DayRow {
  day: string;
  /** Position of the day's value in each series. */
  index: number;
}

/** Renders values by day as a chart, and the same numbers as a table for those who cannot see it. */
export function Chart(props: ChartProps) {
  const { title, days, series, format, note } = props;
  return (
    <figure className="panel chart">
      <figcaption className="chart-head">
        <h2>{title}</h2>
        <span className="chart-legend">
          {series.map(({ label, color }) => (
            <span key={label} className="chart-key">
              <svg width="10" height="10" aria-hidden="true">
                <rect width="10" height="10" rx="2" style={{ fill: `var(${color})` }} />
              </svg>
              {label}
            </span>
          ))}
        </span>
      </figcaption>
      {note && <p className="detail">{note}</p>}
      <Suspense fallback={<div className="chart-canvas" />}>
        <Canvas {...props} />
      </Suspense>
      <details>
        <summary>Show as a table</summary>
        <DataTable
          label={title}
          columns={[
            { label: 'Day (UTC)', value: ({ day }) => day, isRowHeader: true },
            ...series.map(({ label, values }) => ({
              label,
              value: ({ index }: DayRow) => formatValue(values[index], format),
              isNumber: true,
            })),
          ]}
          rows={days.map((day, index) => ({ day, index })).reverse()}
          keyOf={({ day }) => day}
          hasCards={false}
        />
      </details>
    </figure>
  );
}
