import { Failure } from './failure.ts';
import { isObject } from './message.ts';
import type { Target } from './target.ts';

/** Errors of the certificate or the TLS handshake: nothing was sent, and nothing changes by itself. */
const tlsCodes = /CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)|^EPROTO$/;

/** The failure behind an error of `fetch` or of reading its body. */
export function networkFailure(error: unknown, target: Target, isCall: boolean): Failure {
  const cause = rootCause(error);
  const code = typeof cause.code === 'string' ? cause.code : 'network_error';
  if (tlsCodes.test(code)) {
    const help = 'Check WHITEMAGIC_URL; behind a company proxy, name its certificate file in NODE_EXTRA_CA_CERTS.';
    return new Failure('unreachable', `No secure connection to ${target.base} could be made (${code}). ${help}`, {
      code,
    });
  }
  if (code.startsWith('HPE_')) {
    return new Failure('bad_answer', `What answers at ${target.base} is not an HTTP service. Check WHITEMAGIC_URL.`, {
      code,
    });
  }
  if (neverSent(cause, code)) {
    return new Failure('unreachable', unreachableSentence(target, code), { code, unsent: true, transient: true });
  }
  const doubt = isCall ? 'The call may have been carried out: look before repeating it.' : 'Try again.';
  return new Failure(
    'broken',
    `The connection to WhiteMagic at ${target.base} broke before the answer was complete (${code}). ${doubt}`,
    {
      code,
      transient: true,
    },
  );
}

function unreachableSentence(target: Target, code: string): string {
  const help = target.loopback
    ? 'Start it with "npm start" in its folder, or check WHITEMAGIC_URL'
    : 'Check WHITEMAGIC_URL and the network';
  return `WhiteMagic at ${target.base} cannot be reached (${code}). ${help}; the next call will try again.`;
}

/**
 * Whether the request certainly stayed here: the name was not resolved, the connection or its TLS was never made,
 * or not one byte was written to it. A reset on a used connection proves nothing.
 */
function neverSent(cause: { [name: string]: unknown }, code: string): boolean {
  if (cause.syscall === 'connect' || cause.syscall === 'getaddrinfo') return true;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  if (/before secure TLS connection/.test(String(cause.message))) return true;
  const socket = cause.socket;
  return isObject(socket) && socket.bytesWritten === 0;
}

/** `fetch` wraps the socket's error, and trying several addresses wraps one error for each. */
function rootCause(error: unknown): { [name: string]: unknown } {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && isObject(at); depth++) {
    const inner: unknown = at.cause ?? (Array.isArray(at.errors) ? at.errors[0] : undefined);
    if (!isObject(inner)) return at;
    at = inner;
  }
  return isObject(at) ? at : {};
}
