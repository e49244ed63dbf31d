import { lazy, Suspense } from 'react';
import './chart.css';
import { type ChartProps, formatValue } from './chart-series.ts';
import { TableFrame } from './table-frame.tsx';

const Canvas = lazy(() => import('./chart-canvas.tsx'));

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
        <TableFrame label={`${title}, as a table`}>
          <table className="table" aria-label={title}>
            <thead>
              <tr>
                <th scope="col">Day (UTC)</th>
                {series.map(({ label }) => (
                  <th key={label} scope="col" className="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days
                .map((day, index) => (
                  <tr key={day}>
                    <th scope="row">{day}</th>
                    {series.map(({ label, values }) => (
                      <td key={label} className="number">
                        {formatValue(values[index], format)}
                      </td>
                    ))}
                  </tr>
                ))
                .reverse()}
            </tbody>
          </table>
        </TableFrame>
      </details>
    </figure>
  );
}
