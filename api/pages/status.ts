import type { ServiceDayRow } from '../../db/queries/jobs/service-days.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';

/** Days that the page shows. */
export const STATUS_DAYS = 90;
const DAY_MINUTES = DAY_MS / MINUTE_MS;

/** State of the service at the moment. */
export interface ServiceHealth {
  database: 'ok' | 'disk_full' | 'unreachable';
  limiter: 'local' | 'redis' | 'redis_unavailable';
  search: { semantic: 'disabled' | 'loading' | 'ready' | 'degraded' };
}

/**
 * Renders `/status`: the health in words, and the last {@link STATUS_DAYS} days by the record of the service itself.
 * @param days newest first; undefined while the database is unavailable
 */
export function statusPage(health: ServiceHealth, days: readonly ServiceDayRow[] | undefined, now: Date): string {
  const body = html`
<h1>Status</h1>
<p class="lead">${summaryOf(health)}</p>
<ul>
${sentencesOf(health).map((sentence) => html`<li>${sentence}</li>`)}
</ul>
<h2>The last ${STATUS_DAYS} days</h2>
${days === undefined ? html`<p>The record is in the database, which cannot be read at the moment.</p>` : dayTable(days, now)}
<p class="fine">Each minute the service records that its jobs run and that its database takes writes. A minute without a record counts as an outage. Days are in UTC.</p>`;
  return page({ title: 'Status', body, description: 'Health of WhiteMagic, now and in the last 90 days.' });
}

function summaryOf({ database, limiter, search }: ServiceHealth): string {
  if (database === 'unreachable') return 'The service is unavailable: its database cannot be reached.';
  if (database === 'disk_full') return 'The service is limited: memories can be read and not stored.';
  if (limiter === 'redis_unavailable' || search.semantic === 'degraded') return 'The service works, with a limitation.';
  return 'The service works.';
}

function sentencesOf({ database, limiter, search }: ServiceHealth): string[] {
  return [
    {
      ok: 'Memories can be stored and read.',
      disk_full: 'Memories can be read; storing fails, because the disk of the database is full.',
      unreachable: 'Memories can be neither stored nor read at the moment. What was acknowledged is kept.',
    }[database],
    {
      ready: 'Search finds memories by their words and by their meaning.',
      loading: 'Search finds memories by their words; the search by meaning is starting.',
      degraded: 'Search finds memories by their words; the newest are found by their meaning with a delay.',
      disabled: 'Search finds memories by their words.',
    }[search.semantic],
    limiter === 'redis_unavailable'
      ? 'Limits are counted by each server on its own, because the shared counter cannot be reached.'
      : 'Limits are counted exactly.',
  ];
}

function dayTable(days: readonly ServiceDayRow[], now: Date): Html {
  if (days.length === 0) return html`<p>Nothing is recorded yet.</p>`;
  const known = new Map(days.map((day) => [day.day, day]));
  const first = days.at(-1) as ServiceDayRow;
  const rows: Html[] = [];
  for (let at = now.getTime(); ; at -= DAY_MS) {
    const name = new Date(at).toISOString().slice(0, 10);
    if (name < first.day || rows.length === STATUS_DAYS) break;
    const { minutes, of } = minutesOf(name, known.get(name), name === first.day ? first : undefined, now);
    const share = Math.floor((minutes / of) * 10_000) / 100;
    rows.push(html`<tr><td>${name}</td><td>${share.toFixed(2)} %</td><td>${wordsOf(of - minutes)}</td></tr>`);
  }
  return html`<div class="table"><table>
<thead><tr><th>day</th><th>worked</th><th>outage</th></tr></thead>
<tbody>
${rows}
</tbody>
</table></div>`;
}

/** Returns the minutes of a day in which the service worked, and those that have passed since it has been recorded. */
function minutesOf(name: string, day: ServiceDayRow | undefined, first: ServiceDayRow | undefined, now: Date) {
  const start = first ? first.first_minute.getTime() : Date.parse(name);
  const end = Math.min(now.getTime(), Date.parse(name) + DAY_MS);
  // The present minute may not be recorded yet.
  const passed = Math.floor((end - start) / MINUTE_MS);
  const of = Math.min(DAY_MINUTES, Math.max(1, passed, day?.minutes ?? 0));
  const minutes = day?.minutes ?? 0;
  return { minutes: of - minutes === 1 && end === now.getTime() ? of : minutes, of };
}

function wordsOf(minutes: number): string {
  if (minutes === 0) return 'none';
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
