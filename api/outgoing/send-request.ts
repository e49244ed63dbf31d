import { lookup, Resolver } from 'node:dns/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from './public-address.ts';

/** Why no response came. `rejected`: the URL or the address that its host has is not allowed. */
export type OutgoingFailure = 'rejected' | 'not_resolved' | 'timeout' | 'connection_failed';

/** A request to a URL of a customer that got no response. The message is for that customer and holds no address. */
export class OutgoingError extends Error {
  readonly failure: OutgoingFailure;

  constructor(failure: OutgoingFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OutgoingError';
    this.failure = failure;
  }
}

export interface OutgoingRequest {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  /** Limit of the whole exchange, from the name's resolution to the end of the response. */
  timeoutMs: number;
  /** Bytes of the response that are read; the connection is closed after them. */
  bytesMax: number;
  signal?: AbortSignal;
}

export interface OutgoingResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The body's first `bytesMax` bytes. */
  body: Buffer;
  /** Whether the body was longer. */
  isTruncated: boolean;
}

export interface OutgoingPolicy {
  /** Allows `http:` and private addresses: for tests and for a service whose users are trusted with its network. */
  allowPrivate: boolean;
  /** Returns the addresses of a host name; by default those of the DNS. */
  resolve?: (host: string) => Promise<string[]>;
}

/** Time for which one DNS server is awaited. */
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;

/**
 * Returns what is wrong with a URL that a customer gave, as text that follows the name of its field; undefined when it may be called.
 * The addresses of its host are checked when it is called.
 */
export function describeUrlProblem(
  text: string,
  { allowPrivate }: Pick<OutgoingPolicy, 'allowPrivate'>,
): string | undefined {
  if (!URL.canParse(text)) return 'must be an absolute URL, such as https://example.com/hooks';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'must start with https://';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or a password';
  const host = hostOf(url);
  if (allowPrivate) return undefined;
  const isPrivate = isIP(host)
    ? !isPublicAddress(host)
    : !host.includes('.') || /\.(localhost|local|internal)$/.test(host);
  return isPrivate ? 'must lead to a public address' : undefined;
}

/**
 * Sends a request to a URL that a customer gave. It connects to the very address that it has checked, so that a second response of the
 * DNS leads nowhere; it follows no redirect, and sends no cookie or credential that `headers` do not name.
 * @throws OutgoingError when no response came
 */
export async function sendRequest(
  url: string,
  { method = 'GET', headers = {}, body, timeoutMs, bytesMax, signal }: OutgoingRequest,
  policy: OutgoingPolicy,
): Promise<OutgoingResponse> {
  const problem = describeUrlProblem(url, policy);
  if (problem) throw new OutgoingError('rejected', `The URL ${problem}.`);
  const target = new URL(url);
  const timeout = AbortSignal.timeout(timeoutMs);
  const ends = signal ? AbortSignal.any([timeout, signal]) : timeout;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const options = {
    method,
    headers: { ...headers, ...length, 'Accept-Encoding': 'identity' },
    agent: false,
    lookup: checkedLookup(policy),
    signal: ends,
  };
  try {
    return await new Promise<OutgoingResponse>((resolve, reject) => {
      const send = target.protocol === 'https:' ? requestHttps : requestHttp;
      const request = send(target, options, (response) => readStart(response, bytesMax).then(resolve, reject));
      request.on('error', reject);
      request.end(body);
    });
  } catch (error) {
    throw toOutgoingError(error, timeout.aborted ? timeoutMs : undefined);
  }
}

/** Returns the lookup of a connection: all addresses of the host, unless one of them is not allowed. */
function checkedLookup({
  allowPrivate,
  resolve = allowPrivate ? resolveLocally : resolvePublicly,
}: OutgoingPolicy): LookupFunction {
  return (host, { all }, callback) => {
    resolve(host).then(
      (addresses) => {
        if (addresses.length === 0) return callback(notResolved(), '');
        if (!allowPrivate && !addresses.every(isPublicAddress)) {
          return callback(new OutgoingError('rejected', 'The host of the URL must have public addresses only.'), '');
        }
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all) callback(null, found);
        else callback(null, found[0]?.address ?? '', found[0]?.family);
      },
      (error) => callback(notResolved(error), ''),
    );
  };
}

/** Asks the DNS itself: the system's resolver would occupy one of the few threads of the process for as long as a name server is silent. */
async function resolvePublicly(host: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

async function resolveLocally(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function readStart(response: IncomingMessage, bytesMax: number): Promise<OutgoingResponse> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    // Leaving the loop closes the connection.
    if (length > bytesMax) break;
  }
  const body = Buffer.concat(pieces).subarray(0, bytesMax);
  return { status: response.statusCode ?? 0, headers: response.headers, body, isTruncated: length > bytesMax };
}

function toOutgoingError(error: unknown, timeoutMs: number | undefined): OutgoingError {
  if (timeoutMs !== undefined)
    return new OutgoingError('timeout', `No whole response within ${timeoutMs / 1000} seconds.`, error);
  if (error instanceof OutgoingError) return error;
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return new OutgoingError('connection_failed', `The connection failed (${code}).`, error);
}

function notResolved(cause?: unknown): OutgoingError {
  return new OutgoingError('not_resolved', 'The host of the URL has no address.', cause);
}

/** Returns the host of a URL, an IPv6 address without its brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
