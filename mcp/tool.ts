import type { z } from 'zod';
import type { Operation } from '../api/contracts/operation.ts';

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
  /** The operation with the tool's own input: the same, but bounded in tokens by default. */
  operation: Operation;
  /** What the structured answer looks like. */
  output: z.ZodType;
  /** The structured answer, from the operation's. */
  show: (answer: unknown) => Record<string, unknown>;
  /** The answer as text for the model. Stored text comes between `fence`s. */
  render: (answer: never, fence: Fence) => string;
}

/** Wraps stored text so that a model can tell it from instructions. */
export type Fence = (text: string) => string;

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
export function tool<Declared extends { input: z.ZodType; output: z.ZodType; tool?: string }>(
  declared: Declared,
  words: {
    title: string;
    description: string;
    annotations: Annotations;
    input?: z.ZodType;
    shows?: z.ZodObject;
    render: (answer: z.output<Declared['output']>, fence: Fence) => string;
  },
): Tool {
  const { input = declared.input, shows, ...rest } = words;
  if (!declared.tool) throw new Error('the operation names no tool');
  return {
    ...rest,
    name: declared.tool,
    operation: { ...declared, input } as unknown as Operation,
    output: shows ?? declared.output,
    show: (answer) => (shows ? shows.parse(answer) : answer) as Record<string, unknown>,
  };
}
