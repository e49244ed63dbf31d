/** Longest part of an error's message that is kept. */
const MESSAGE_CHARACTERS_MAX = 300;
/** Fields of an error of PostgreSQL that name objects of ours. `detail`, `hint` and `where` hold values of rows. */
const DATABASE_FIELDS = ['code', 'severity', 'schema', 'table', 'column', 'constraint', 'routine'] as const;
/** A quoted part of a message, long enough to be a text of a tenant. */
const QUOTED = /(["'`])(?:(?!\1).){12,}\1?/gs;

/** An error as logs and reports show it. */
export interface DescribedError {
  type: string;
  message: string;
  stack: string;
  cause?: DescribedError;
  [field: string]: unknown;
}

/**
 * Describes an error without the texts that it may quote: an error of PostgreSQL or of a parser repeats what a tenant sent. Keeps its
 * type, code, stack frames and causes.
 * @param depth how many causes to follow
 */
export function describeError(error: unknown, depth = 3): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'thrown value that is no error', stack: '' };
  const message = messageOf(error);
  const described: DescribedError = {
    type: error.name,
    message,
    stack: `${error.name}: ${message}\n${framesOf(error)}`,
  };
  for (const field of DATABASE_FIELDS) {
    const value = (error as unknown as Record<string, unknown>)[field];
    if (typeof value === 'string') described[field] = value;
  }
  if (depth > 0 && error.cause instanceof Error) described.cause = describeError(error.cause, depth - 1);
  return described;
}

/** Returns the message of an error without what it quotes. */
export function messageOf(error: Error): string {
  // The parser of JSON quotes its input without an end.
  if (error instanceof SyntaxError) return 'a text could not be parsed';
  const message = error.message.replace(QUOTED, '$1…$1');
  return message.length > MESSAGE_CHARACTERS_MAX ? `${message.slice(0, MESSAGE_CHARACTERS_MAX)}…` : message;
}

/** Returns the stack frames of an error: its stack begins with the message, which may have several lines. */
function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
