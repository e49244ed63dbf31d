import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type ChartProps, formatValue } from './chart-series.ts';

const HEIGHT = 200;

/** Draws the values of a chart with uPlot, in the colors of the theme, as wide as its place. */
export default function ChartCanvas(props: ChartProps) {
  const [themes, setThemes] = useState(0);
  useEffect(() => onThemeChange(() => setThemes((count) => count + 1)), []);
  // Drawn anew with the theme: a canvas keeps the colors with which it was drawn.
  return <Drawing key={themes} {...props} />;
}

function Drawing({ days, series, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const color = (token: string) => resolveColor(element, token);
    const axis = { stroke: color('--muted'), font: '12px system-ui', ticks: { show: false } };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { setScale: false } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        scales: {
          x: { range: (_plot, min, max) => [min - 43_200, max + 43_200] },
          y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] },
        },
        axes: [
          { ...axis, grid: { show: false }, values: (_plot, ticks) => ticks.map(shortDay), space: 64 },
          {
            ...axis,
            size: 62,
            grid: { stroke: color('--line'), width: 1 },
            values: (_plot, ticks) => ticks.map((tick) => format(tick)),
          },
        ],
        series: [
          {},
          ...series.map(({ kind, color: token, label }) => ({
            label,
            stroke: color(token),
            width: kind === 'line' ? 2 : 0,
            // A day between two without calls has no line to either.
            points: { show: kind === 'line', size: 5 },
            ...(kind === 'bars' && {
              fill: color(token),
              paths: uPlot.paths.bars?.({ size: [0.7, 48], radius: 0.15 }) ?? null,
            }),
          })),
        ],
        hooks: { setCursor: [(plot) => setPointed(plot.cursor.idx ?? null)] },
      } as uPlot.Options,
      [days.map((day) => Date.parse(day) / 1000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData,
      element,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [days, series, format]);

  const day = pointed === null ? undefined : days[pointed];
  return (
    <div aria-hidden="true">
      <div ref={place} className="chart-canvas" />
      <p className="detail chart-pointed">
        {day
          ? `${day}: ${series.map(({ label, values }) => `${label} ${formatValue(values[pointed as number], format)}`).join(', ')}`
          : ' '}
      </p>
    </div>
  );
}

function shortDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString('en', { month: 'short', day: 'numeric', timeZone: 'UTC' });
}

/** Returns the color that a design token has in the present theme: a canvas does not know `light-dark()`. */
function resolveColor(element: HTMLElement, token: string): string {
  element.style.color = `var(${token})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}

function onThemeChange(onChange: () => void): () => void {
  const observer = new MutationObserver(onChange);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', onChange);
  return () => {
    observer.disconnect();
    system.removeEventListener('change', onChange);
  };
}
