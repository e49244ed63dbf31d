import { Problem } from '../errors.ts';

/** Deepest nesting that is accepted. PostgreSQL's parser gives up on text that is nested some thousand levels deep. */
const DEPTH_MAX = 100;

/**
 * Parses a JSON body from its bytes, which must be valid UTF-8 and nested at most {@link DEPTH_MAX} levels deep.
 * @throws Problem `malformed_request`
 */
export function parseJsonBody(bytes: Uint8Array): unknown {
  const value = parse(decode(bytes));
  if (isDeeperThan(value, DEPTH_MAX)) throw malformed(`The body is nested deeper than ${DEPTH_MAX} levels.`);
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw malformed('The body is not UTF-8.', error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed('The body is not JSON.', error);
  }
}

/** Walks level by level, because recursion would overflow the stack. */
function isDeeperThan(value: unknown, depthMax: number): boolean {
  let level = [value];
  for (let depth = 0; depth <= depthMax; depth++) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}

function malformed(detail: string, cause?: unknown): Problem {
  return new Problem('malformed_request', { detail }, cause);
}
