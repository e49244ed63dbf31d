import { Failure } from './failure.ts';
import { isObject } from './message.ts';
import type { Target } from './target.ts';

/** Errors of the certificate or the TLS handshake: nothing was sent, and retrying does not help. */
const tlsCodes = /CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)|^EPROTO$/;

/** Converts an error of `fetch`, or of reading the body, to a failure. */
export function networkFailure(error: unknown, target: Target, isCall: boolean): Failure {
  const cause = rootCause(error);
  const code = typeof cause.code === 'string' ? cause.code : 'network_error';
  if (tlsCodes.test(code)) {
    const help = 'Check WHITEMAGIC_URL; behind a corporate proxy, set NODE_EXTRA_CA_CERTS to its certificate file.';
    return new Failure('unreachable', `The TLS connection to ${target.base} failed (${code}). ${help}`, {
      code,
    });
  }
  if (code.startsWith('HPE_')) {
    return new Failure('bad_response', `The service at ${target.base} does not speak HTTP. Check WHITEMAGIC_URL.`, {
      code,
    });
  }
  if (neverSent(cause, code)) {
    return new Failure('unreachable', unreachableMessage(target, code), { code, unsent: true, transient: true });
  }
  const doubt = isCall ? 'The call may have been carried out: look before repeating it.' : 'Try again.';
  return new Failure(
    'broken',
    `The connection to WhiteMagic at ${target.base} broke before the response was complete (${code}). ${doubt}`,
    {
      code,
      transient: true,
    },
  );
}

function unreachableMessage(target: Target, code: string): string {
  const help = target.loopback
    ? 'Start it with "npm start" in its folder, or check WHITEMAGIC_URL'
    : 'Check WHITEMAGIC_URL and the network';
  return `WhiteMagic at ${target.base} cannot be reached (${code}). ${help}; the next call will try again.`;
}

/**
 * Checks that the request was certainly not sent: the name was not resolved, the connection or TLS handshake failed, or
 * no byte was written. A reset of a used connection proves nothing.
 */
function neverSent(cause: { [name: string]: unknown }, code: string): boolean {
  if (cause.syscall === 'connect' || cause.syscall === 'getaddrinfo') return true;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  if (/before secure TLS connection/.test(String(cause.message))) return true;
  const socket = cause.socket;
  return isObject(socket) && socket.bytesWritten === 0;
}

/** Unwraps the error of the socket from that of `fetch`, which also wraps one error per address tried. */
function rootCause(error: unknown): { [name: string]: unknown } {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && isObject(at); depth++) {
    const inner: unknown = at.cause ?? (Array.isArray(at.errors) ? at.errors[0] : undefined);
    if (!isObject(inner)) return at;
    at = inner;
  }
  return isObject(at) ? at : {};
}
