import './chart.css';
import { formatNumber } from './format.tsx';

const [WIDTH, HEIGHT] = [96, 24];

/** Renders the calls of the last days as bars, today at the right. Screen readers get the sum. */
export function Sparkline({ values }: { values: readonly number[] }) {
  const max = Math.max(1, ...values);
  const sum = values.reduce((total, value) => total + value, 0);
  const step = WIDTH / values.length;
  const bars = values.map((value, index) => {
    const height = value === 0 ? 1 : Math.max(2, (value / max) * HEIGHT);
    const place = { x: index * step, y: HEIGHT - height, width: step - 1, height };
    return { id: `day-${index}`, className: value === 0 ? 'none' : 'some', ...place };
  });
  const label = `${formatNumber(sum)} ${sum === 1 ? 'call' : 'calls'} in ${values.length} days`;
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <title>{label}</title>
      {bars.map(({ id, ...bar }) => (
        <rect key={id} {...bar} />
      ))}
    </svg>
  );
}
