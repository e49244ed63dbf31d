import { z } from 'zod';
import type { Operation } from '../api/contracts/operation.ts';
import { type Fence, WIDEST_FENCE } from './delimiter.ts';

/** Hints for the host that asks its user: read from what the tool does, never from what would be convenient. */
export interface Annotations {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  /** A memory is a closed world. */
  openWorldHint: false;
}

/** A tool, without any SDK: an operation, words for the model, and its answer as compact text. */
export interface Tool {
  name: string;
  title: string;
  description: string;
  annotations: Annotations;
  /** The operation with the tool's own input, bounded in tokens by default, and the forms its answer is sent in. */
  operation: Operation;
  /** What the structured answer looks like. */
  output: z.ZodType;
  /** The structured answer, from the operation's. */
  show: (answer: unknown) => Record<string, unknown>;
  /** The answer as text for the model. Stored text comes between `fence`s. */
  render: (answer: never, fence: Fence) => string;
}

export const READ: Annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
export const ADD: Annotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
export const CHANGE: Annotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false,
};

/**
 * A tool from its operation. `input` replaces the operation's where the tool bounds it further; `shows` picks what of the answer
 * goes back to the model, which wrote the rest itself.
 */
export function tool<Output extends z.ZodType>(
  declared: Operation<string, z.ZodType, Output>,
  words: {
    title: string;
    description: string;
    annotations: Annotations;
    input?: z.ZodType;
    shows?: z.ZodObject;
    render: (answer: z.output<Output>, fence: Fence) => string;
  },
): Tool {
  const { input = declared.input, shows, ...rest } = words;
  const name = declared.mcp?.tool;
  if (!name) throw new Error('the operation names no tool');
  // Not strict: it takes what it shows from a larger answer.
  const shown = shows && z.object(shows.shape);
  const show = (answer: unknown) => (shown ? shown.parse(answer) : answer) as Record<string, unknown>;
  const read = (answer: unknown) => rest.render(answer as never, WIDEST_FENCE);
  const renderings = (answer: unknown) => [JSON.stringify(show(answer)), read(answer)];
  return {
    ...rest,
    name,
    operation: {
      ...declared,
      input,
      mcp: { ...declared.mcp, renderings },
      cost: { ...declared.cost, tokens: (answer, count) => count(read(answer)) },
    } satisfies Operation<string, z.ZodType, Output>,
    output: shown ?? declared.output,
    show,
  };
}
