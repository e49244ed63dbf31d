import { setTimeout as delay } from 'node:timers/promises';
import type { WhopConfig } from '../config.ts';
import { parseMembership, parsePayment, type WhopMembership, type WhopPayment } from './payload.ts';

/** Whop did not answer what was asked. The message is our own words and never holds a key. */
export class WhopError extends Error {
  /** What Whop answered; undefined when it could not be reached. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'WhopFailure';
    this.status = status;
  }
}

/** Whop's API v1, as far as this service needs it. Every call throws {@link WhopError}. */
export interface WhopClient {
  /** A membership by its id or its licence key. */
  membership(idOrLicenseKey: string): Promise<WhopMembership>;
  /** All memberships, page by page. */
  memberships(): AsyncGenerator<WhopMembership[]>;
  payment(id: string): Promise<WhopPayment>;
}

const TIMEOUT_MS = 5_000;
/** Pauses before a failed call is made again. What fails for longer is a matter of the queue. */
const RETRY_DELAYS_MS = [200, 1_000];
const RETRY_DELAY_MS_MAX = 3_000;
const PAGE = 100;
/** More pages than anybody has: a cursor that leads in a circle. */
const PAGES_MAX = 100_000;

/**
 * A client of Whop's API. The address is the operator's; a redirect is not followed, for the key is for that address
 * alone.
 */
export function createWhopClient({
  apiUrl,
  apiKey,
  companyId,
}: Pick<WhopConfig, 'apiUrl' | 'apiKey' | 'companyId'>): WhopClient {
  async function ask(path: string): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await askOnce(path);
      } catch (error) {
        const pause = RETRY_DELAYS_MS[attempt];
        if (!(error instanceof TransientWhopError) || pause === undefined) throw error;
        await delay(Math.min(Math.max(pause, error.pauseMs), RETRY_DELAY_MS_MAX));
      }
    }
  }

  async function askOnce(path: string): Promise<unknown> {
    let response: Response;
    try {
      // Without `Api-Version-Date`: the shapes of v1 as it was, which do not change.
      response = await fetch(`${apiUrl}${path}`, {
        headers: { Authorization: `Bearer ${apiKey}`, Accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new TransientWhopError("Whop's API cannot be reached", undefined, cause);
    }
    const { status, headers } = response;
    if (status >= 500 || status === 408 || status === 429) {
      await response.body?.cancel();
      throw new TransientWhopError(`Whop's API answered ${status}`, status, undefined, retryAfterMs(headers));
    }
    const answer = await response.json().catch(() => undefined);
    if (!response.ok) throw new WhopError(`Whop's API answered ${status}${errorTypeOf(answer)}`, status);
    return answer;
  }

  async function membership(idOrLicenseKey: string): Promise<WhopMembership> {
    const found = parseMembership(await ask(`/memberships/${encodeURIComponent(idOrLicenseKey)}`));
    if (!found) throw new WhopError("Whop's API answered something that is no membership");
    return found;
  }

  async function* memberships(): AsyncGenerator<WhopMembership[]> {
    let after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = new URLSearchParams({ first: String(PAGE) });
      if (companyId) query.set('company_id', companyId);
      if (after) query.set('after', after);
      const { data, page_info } = ((await ask(`/memberships?${query}`)) ?? {}) as {
        data?: unknown;
        page_info?: { end_cursor?: unknown; has_next_page?: unknown };
      };
      if (!Array.isArray(data)) throw new WhopError("Whop's API answered something that is no list");
      yield data.map((item) => parseMembership(item)).filter((item) => item !== undefined);
      const next = page_info?.end_cursor;
      if (page_info?.has_next_page !== true || typeof next !== 'string') return;
      after = next;
    }
    throw new WhopError("Whop's list of memberships does not end");
  }

  async function payment(id: string): Promise<WhopPayment> {
    const found = parsePayment(await ask(`/payments/${encodeURIComponent(id)}`));
    if (!found) throw new WhopError("Whop's API answered something that is no payment");
    return found;
  }

  return { membership, memberships, payment };
}

/** One that may be gone in a moment. */
class TransientWhopError extends WhopError {
  readonly pauseMs: number;

  constructor(message: string, status?: number, cause?: unknown, pauseMs = 0) {
    super(message, status, cause);
    this.pauseMs = pauseMs;
  }
}

/** The kind of an error, of `{error: {type, message}}`: a word of Whop's, never its message. */
function errorTypeOf(answer: unknown): string {
  const type = (answer as { error?: { type?: unknown } } | undefined)?.error?.type;
  return typeof type === 'string' && /^\w{1,50}$/.test(type) ? ` (${type})` : '';
}

function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
