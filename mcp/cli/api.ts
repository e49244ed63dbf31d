import { networkFailure } from './bridge/network.ts';
import { resolveTarget } from './bridge/target.ts';
import { CommandError, UNREACHABLE } from './cli.ts';
import { proxiedFetch } from './proxied-fetch.ts';
import type { FoundSettings } from './settings.ts';

/** A call of the REST API. */
export interface ApiCall {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below `/api/v1`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
}

/** An error that the service returned. */
export class ApiError extends CommandError {
  override name = 'ApiError';
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Calls of one service with one key. */
export interface Api {
  /** Address of the service. */
  base: string;
  /** Calls an operation and returns its JSON. @throws ApiError with the service's own words, Failure when there is no response */
  call<T>(call: ApiCall): Promise<T>;
  /** Calls an operation and returns the response, whose body is not read. @throws like `call` */
  fetch(call: ApiCall): Promise<Response>;
}

const TIMEOUT_MS = 60_000;
/** Attempts of a call that the service did not take: it is busy, or the calls of the minute are used up. */
const ATTEMPTS_MAX = 20;
const WAIT_SECONDS_MAX = 120;

/**
 * Creates the calls for a service.
 * @param settings the key may be missing only for operations that need none
 * @throws Failure when the URL or the key is missing
 */
export function createApi(
  settings: FoundSettings,
  wait: { note: (line: string) => void; delay: (ms: number) => Promise<void> },
  { isPublic = false } = {},
): Api {
  const target = resolveTarget(isPublic ? { ...settings, key: settings.key ?? 'none' } : settings);
  async function fetchResponse({ method = 'GET', path, query, body, headers }: ApiCall): Promise<Response> {
    const url = new URL(`${target.base}/api/v1${path}`);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    for (let attempt = 1; ; attempt++) {
      const response = await proxiedFetch(url, {
        method,
        redirect: 'manual',
        headers: {
          ...(!isPublic && { Authorization: `Bearer ${target.key}` }),
          ...(settings.project && { 'X-WhiteMagic-Project': encodeURIComponent(settings.project) }),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw error instanceof Error && error.name === 'TimeoutError'
          ? new CommandError(`${target.base} did not respond within ${TIMEOUT_MS / 1000} s. Try again.`, UNREACHABLE)
          : networkFailure(error, target, false);
      });
      if (response.ok) return response;
      const text = await response.text();
      const seconds = Number(response.headers.get('Retry-After'));
      const isTemporary =
        (response.status === 429 || response.status === 503) && seconds > 0 && seconds <= WAIT_SECONDS_MAX;
      if (!isTemporary || attempt === ATTEMPTS_MAX) throw errorOf(text, response.status);
      wait.note(`the service asks to wait ${seconds} s`);
      await wait.delay(seconds * 1_000);
    }
  }
  return {
    base: target.base,
    fetch: fetchResponse,
    call: async <T>(call: ApiCall) => (await (await fetchResponse(call)).json()) as T,
  };
}

function errorOf(body: string, status: number): ApiError {
  try {
    const { title, detail, code } = JSON.parse(body) as { title?: string; detail?: string; code?: string };
    return new ApiError(detail ?? title ?? `HTTP status ${status}`, status, code ?? `http_${status}`);
  } catch {
    return new ApiError(
      `HTTP status ${status}, which is not a response of WhiteMagic. Check the URL.`,
      status,
      `http_${status}`,
    );
  }
}
