import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, type ProblemCode, problemDocument } from '../errors.ts';

/** Codes of errors that Node reports before a request reaches the app. All others are malformed requests. */
const CODES: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Responds with a problem document to a request that Node could not parse, and closes the connection. */
export function respondToClientError(newId: () => string, publicUrl: () => string) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const requestId = newId();
    const problem = new Problem(CODES[error.code ?? ''] ?? 'malformed_request', {
      ...(CODES[error.code ?? ''] ? {} : { detail: 'The request is not valid HTTP.' }),
    });
    const body = JSON.stringify(problemDocument(problem, requestId, publicUrl()));
    const lines = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      'Cache-Control: no-store',
      'Connection: close',
    ];
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  };
}
