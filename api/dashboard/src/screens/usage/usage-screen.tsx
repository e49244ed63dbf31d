import { getRouteApi, Link } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { type OutputOf, urlOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { Chart } from '../../components/chart.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { Select, TextField } from '../../components/fields.tsx';
import { formatMs, formatNumber } from '../../components/format.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { CallFilters } from './call-filters.tsx';
import { GroupTable } from './group-table.tsx';
import { PlanPanel } from './plan-panel.tsx';
import { daysOf, rangeOf, toFilterInput, type UsageSearch } from './search.ts';
import { StoragePanel } from './storage-panel.tsx';
import './usage.css';

const route = getRouteApi('/usage');

const RANGES = [
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: '90', label: 'Last 90 days' },
  { value: '365', label: 'Last year' },
  { value: 'custom', label: 'From … to …' },
];

/** Renders usage over time, in groups, and against the plan. */
export function UsageScreen() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: { [Field in keyof UsageSearch]: UsageSearch[Field] | undefined }) =>
    navigate({ search: (former) => withoutUndefined({ ...former, ...change }), replace: true });
  const range = rangeOf(search);
  const usage = useOperation(
    'user.usage',
    { ...range, group_by: 'day', ...toFilterInput(search) },
    { keepsPrevious: true },
  );
  const csv = (
    <>
      <Link to="/requests" className="button quiet">
        Request log
      </Link>
      <a className="button quiet" href={urlOf('user.usage_csv', { ...range, ...toFilterInput(search) })} download>
        <Download size={16} aria-hidden /> CSV
      </a>
    </>
  );
  return (
    <Screen title="Usage" lead="Every call with a key, counted once. Days are UTC." actions={csv}>
      <div className="stack">
        <PlanPanel plan={usage.data?.plan} />
        <fieldset className="filters" aria-label="Filters">
          <RangeFilter search={search} onChange={set} />
          <CallFilters value={search} onChange={set} />
        </fieldset>
        <Loaded result={usage}>{(data) => <UsageCharts data={data} range={range} />}</Loaded>
        <GroupTable search={search} range={range} onChange={(by) => set({ by })} />
        <StoragePanel />
      </div>
    </Screen>
  );
}

interface RangeFilterProps {
  search: UsageSearch;
  onChange: (change: { days?: number | undefined; from?: string | undefined; to?: string | undefined }) => void;
}

function RangeFilter({ search, onChange }: RangeFilterProps) {
  const isCustom = search.from !== undefined || search.to !== undefined;
  const range = rangeOf(search);
  const value = isCustom ? 'custom' : String(search.days ?? 30);
  return (
    <>
      <Select
        label="Range"
        choices={
          RANGES.some((known) => known.value === value) ? RANGES : [...RANGES, { value, label: `${value} days` }]
        }
        value={value}
        onChange={(chosen) =>
          onChange(
            chosen === 'custom'
              ? { days: undefined, ...range }
              : { days: Number(chosen), from: undefined, to: undefined },
          )
        }
      />
      {isCustom && (
        <>
          <TextField
            label="From"
            type="date"
            value={range.from}
            onChange={(from) => from && onChange({ ...range, from })}
          />
          <TextField label="To" type="date" value={range.to} onChange={(to) => to && onChange({ ...range, to })} />
        </>
      )}
    </>
  );
}

interface UsageChartsProps {
  data: OutputOf<'user.usage'>;
  range: { from: string; to: string };
}

function UsageCharts({ data: { results, totals }, range }: UsageChartsProps) {
  if (totals.calls === 0) {
    return (
      <EmptyState title="No calls in this range" action={<Link to="/connect">Connect an agent</Link>}>
        Choose another range or other filters, or connect an agent.
      </EmptyState>
    );
  }
  const days = daysOf(range);
  const byDay = new Map(results.map((row) => [row.day, row]));
  const series = (field: 'calls' | 'errors' | 'tokens') => days.map((day) => byDay.get(day)?.[field] ?? 0);
  const times = (field: 'p50_ms' | 'p95_ms') => days.map((day) => byDay.get(day)?.[field] ?? null);
  return (
    <div className="usage-charts">
      <Chart
        title="Calls by day"
        note={`${formatNumber(totals.calls)} calls, ${formatNumber(totals.errors)} with an error`}
        days={days}
        format={formatNumber}
        series={[
          { label: 'Calls', kind: 'bars', color: '--accent', values: series('calls') },
          { label: 'Errors', kind: 'bars', color: '--error', values: series('errors') },
        ]}
      />
      <Chart
        title="Response times by day"
        note="Measured in the service, and estimated from counts by ranges."
        days={days}
        format={formatMs}
        series={[
          { label: 'p50', kind: 'line', color: '--accent', values: times('p50_ms') },
          { label: 'p95', kind: 'line', color: '--warning', values: times('p95_ms') },
        ]}
      />
      <Chart
        title="Tokens returned by day"
        note="Tokens of results that a model was given to read."
        days={days}
        format={formatNumber}
        series={[{ label: 'Tokens', kind: 'bars', color: '--success', values: series('tokens') }]}
      />
    </div>
  );
}

function withoutUndefined(search: { [Field in keyof UsageSearch]: UsageSearch[Field] | undefined }): UsageSearch {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as UsageSearch;
}
