import { z } from 'zod';
import type { Operation } from '../api/contracts/operation.ts';
import type { Rendering } from '../api/pipeline/call.ts';
import type { Delimit } from './delimiter.ts';

/** Hints that a host shows to its user, by what the tool really does. */
export interface Annotations {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  /** Always false: a tool reaches nothing but the caller's memories. */
  openWorldHint: false;
}

/** A tool, independent of any SDK: an operation, texts for the model, and how its result is rendered. */
export interface Tool {
  name: string;
  title: string;
  description: string;
  annotations: Annotations;
  /** The operation with the tool's own input, which has a token budget by default. */
  operation: Operation;
  /** Schema of the structured content. */
  output: z.ZodType;
  /** Renders the operation's result. Stored text is wrapped by `delimit`. */
  render: (result: unknown, delimit: Delimit) => Rendering;
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

interface Definition<Output extends z.ZodType> {
  title: string;
  description: string;
  annotations: Annotations;
  /** Replaces the operation's input where the tool bounds it further. */
  input?: z.ZodType;
  /** The fields of the result that are returned. Default: all. */
  returns?: z.ZodObject;
  /** Renders the result as text. */
  text: (result: z.output<Output>, delimit: Delimit) => string;
}

/** Defines the tool of an operation. */
export function defineTool<Output extends z.ZodType>(
  declared: Operation<string, z.ZodType, Output>,
  { title, description, annotations, input = declared.input, returns, text }: Definition<Output>,
): Tool {
  const name = declared.mcp?.tool;
  if (!name) throw new Error(`the operation ${declared.id} declares no tool`);
  // Not strict: it picks fields of a larger result.
  const picked = returns && z.object(returns.shape);
  return {
    name,
    title,
    description,
    annotations,
    operation: { ...declared, input },
    output: picked ?? declared.output,
    render: (result, delimit) => ({
      text: text(result as z.output<Output>, delimit),
      structuredContent: (picked ? picked.parse(result) : result) as Record<string, unknown>,
    }),
  };
}
