import type Router from '@koa/router';
import type { ServiceDayRow } from '../../../db/queries/jobs/service-days.ts';
import { type ServiceHealth, STATUS_DAYS, statusPage } from '../../pages/status.ts';
import { DAY_MS } from '../../time.ts';
import { sendPage } from '../respond.ts';

/** Time for which a state is shown again, so that readers of the page cost nothing. */
const SHOWN_MS = 10_000;

interface StatusOptions {
  readiness: () => Promise<ServiceHealth>;
  /** Lists the recorded days from one on, newest first. */
  readDays: (from: string) => Promise<ServiceDayRow[]>;
  now: () => Date;
}

/** Route of `/status`: the health of the service in words, and its last days. 503 while it is unavailable. */
export function statusRoutes(router: Router, { readiness, readDays, now }: StatusOptions): void {
  let shown: { at: number; state: Promise<{ health: ServiceHealth; days: ServiceDayRow[] | undefined }> } | undefined;
  const read = async () => {
    const health = await readiness();
    const from = new Date(now().getTime() - (STATUS_DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
    const isReadable = health.database !== 'unreachable';
    const days = isReadable ? await readDays(from).catch(() => undefined) : undefined;
    return { health, days };
  };
  router.get('/status', async (ctx) => {
    const at = now().getTime();
    if (!shown || at - shown.at >= SHOWN_MS) shown = { at, state: read() };
    const { health, days } = await shown.state.catch((error) => {
      shown = undefined;
      throw error;
    });
    sendPage(ctx, statusPage(health, days, now()), health.database === 'unreachable' ? 503 : 200);
  });
}
