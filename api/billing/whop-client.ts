import { retry } from '../../db/client/retry.ts';
import type { WhopConfig } from '../config.ts';
import { parseMembership, parsePayment, type WhopMembership, type WhopPayment } from './payload.ts';

/** A request to Whop's API failed. The message is fixed text of this service and never contains a key. */
export class WhopError extends Error {
  /** HTTP status of the response; undefined when Whop could not be reached. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'WhopError';
    this.status = status;
  }
}

/** The part of Whop's API v1 that this service uses. Every method throws {@link WhopError}. */
export interface WhopClient {
  /** Fetches a membership by its id or its license key. */
  membership(idOrLicenseKey: string): Promise<WhopMembership>;
  /** Fetches all memberships, page by page. */
  memberships(): AsyncGenerator<WhopMembership[]>;
  payment(id: string): Promise<WhopPayment>;
}

const TIMEOUT_MS = 5_000;
/** Delays before the retries of a request. Longer outages are handled by the job queue's retries. */
const RETRY_DELAYS_MS = [200, 1_000];
const RETRY_DELAY_MS_MAX = 3_000;
const PAGE = 100;
/** Guards against a cursor that never ends. */
const PAGES_MAX = 100_000;

/**
 * Creates a client of Whop's API. Redirects are not followed, because the key must only be sent to the configured URL.
 */
export function createWhopClient({
  apiUrl,
  apiKey,
  companyId,
}: Pick<WhopConfig, 'apiUrl' | 'apiKey' | 'companyId'>): WhopClient {
  function request(path: string): Promise<unknown> {
    return retry(
      () => requestOnce(path),
      (error, attempt) => {
        const pause = RETRY_DELAYS_MS[attempt - 1];
        if (!(error instanceof TransientWhopError) || pause === undefined) return undefined;
        return Math.min(Math.max(pause, error.pauseMs), RETRY_DELAY_MS_MAX);
      },
    );
  }

  async function requestOnce(path: string): Promise<unknown> {
    let response: Response;
    try {
      // Without `Api-Version-Date`, Whop sends the original shapes of v1, which do not change.
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
      throw new TransientWhopError(`Whop's API responded with ${status}`, status, undefined, retryAfterMs(headers));
    }
    const body = await response.json().catch((cause) => {
      if (!(cause instanceof SyntaxError))
        throw new TransientWhopError('The response of Whop broke off', status, cause);
      return undefined;
    });
    if (!response.ok) throw new WhopError(`Whop's API responded with ${status}${errorTypeOf(body)}`, status);
    return body;
  }

  async function membership(idOrLicenseKey: string): Promise<WhopMembership> {
    const found = parseMembership(await request(`/memberships/${encodeURIComponent(idOrLicenseKey)}`));
    if (!found) throw new WhopError("Whop's API returned something other than a membership");
    return found;
  }

  async function* memberships(): AsyncGenerator<WhopMembership[]> {
    let after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = new URLSearchParams({ first: String(PAGE) });
      if (companyId) query.set('company_id', companyId);
      if (after) query.set('after', after);
      const { data, page_info } = ((await request(`/memberships?${query}`)) ?? {}) as {
        data?: unknown;
        page_info?: { end_cursor?: unknown; has_next_page?: unknown };
      };
      if (!Array.isArray(data)) throw new WhopError("Whop's API returned something other than a list");
      yield data.map((item) => parseMembership(item)).filter((item) => item !== undefined);
      const next = page_info?.end_cursor;
      if (page_info?.has_next_page !== true || typeof next !== 'string') return;
      after = next;
    }
    throw new WhopError("Whop's list of memberships does not end");
  }

  async function payment(id: string): Promise<WhopPayment> {
    const found = parsePayment(await request(`/payments/${encodeURIComponent(id)}`));
    if (!found) throw new WhopError("Whop's API returned something other than a payment");
    return found;
  }

  return { membership, memberships, payment };
}

/** A failure that is worth a retry. */
class TransientWhopError extends WhopError {
  readonly pauseMs: number;

  constructor(message: string, status?: number, cause?: unknown, pauseMs = 0) {
    super(message, status, cause);
    this.pauseMs = pauseMs;
  }
}

/** Returns the `type` of `{error: {type, message}}`, never its message. */
function errorTypeOf(body: unknown): string {
  const type = (body as { error?: { type?: unknown } } | undefined)?.error?.type;
  return typeof type === 'string' && /^\w{1,50}$/.test(type) ? ` (${type})` : '';
}

function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
