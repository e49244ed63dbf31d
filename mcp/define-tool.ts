import { z } from 'zod';
import { type JsonSchema, jsonSchema } from '../api/contracts/json-schema.ts';
import type { Operation } from '../api/contracts/operation.ts';
import type { Delimit } from './delimiter.ts';

/** Hints that a host shows to its user, by what the tool really does. */
interface Annotations {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  /** Always false: a tool reaches nothing but the caller's memories. */
  openWorldHint: false;
}

/**
 * A result for a model and for programs. Some hosts show a model only the text, others only the structured content, others
 * both. So a tool whose result holds stored text returns text only, between delimiters; the structured content of the others
 * holds no stored text, and repeats the text in `message`.
 */
interface ToolOutput {
  text: string;
  structured?: Record<string, unknown> | undefined;
}

/** A tool, independent of any SDK: an operation, texts for the model, and how its result is rendered. */
export interface Tool {
  name: string;
  title: string;
  description: string;
  annotations: Annotations;
  /** The operation with the tool's own input, which has a token budget by default. */
  operation: Operation;
  /** JSON Schema of that input. */
  inputSchema: JsonSchema;
  /**
   * Arguments that are accepted, but not listed: they are for rare use, and every session of every agent pays for the list.
   */
  unlisted: readonly string[];
  /** Words by which a host that lists names only finds the tool; undefined for tools that it should always show. */
  searchHint: string | undefined;
  /** Schema of the structured content; undefined for tools that return text only. */
  output: z.ZodObject | undefined;
  /** Renders the operation's result, or its receipt. Stored text is wrapped by `delimit`. */
  render: (result: unknown, delimit: Delimit, isReceipt?: boolean) => ToolOutput;
}

export const READ: Annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
/** A write that can be undone: the former version is kept. */
export const WRITE: Annotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
export const DELETE: Annotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false,
};

interface Definition<Input extends z.ZodType, Output extends z.ZodType> {
  title: string;
  description: string;
  annotations: Annotations;
  /** Replaces the operation's input where the tool bounds it further. */
  input?: z.ZodType;
  searchHint?: string;
  /** Arguments for rare use, see {@link Tool.unlisted}. */
  unlisted?: readonly (keyof z.input<Input> & string)[];
  /** Fields of the result that are returned as structured content too. They must not hold stored text. Default: text only. */
  returns?: z.ZodObject;
  /** Renders the result as text, with everything that the model has to know. */
  text: (result: z.output<Output>, delimit: Delimit) => string;
}

/** Defines the tool of an operation. */
export function defineTool<Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<string, Input, Output>,
  {
    title,
    description,
    annotations,
    input = declared.input,
    unlisted = [],
    searchHint,
    returns,
    text,
  }: Definition<Input, Output>,
): Tool {
  const name = declared.mcp?.tool;
  if (!name) throw new Error(`the operation ${declared.id} declares no tool`);
  // Not strict: it picks fields of a larger result.
  const picked = returns && z.object(returns.shape);
  // A receipt lacks fields of the result.
  const shown = declared.receipt ? picked?.partial().required({ id: true }) : picked;
  return {
    name,
    title,
    description,
    annotations,
    operation: { ...declared, input },
    inputSchema: jsonSchema(input, 'input'),
    unlisted,
    searchHint,
    output: shown?.extend({ message: z.string() }),
    render: (result, delimit, isReceipt = false) => ({
      text: isReceipt ? receiptText(result) : text(result as z.output<Output>, delimit),
      structured: shown?.parse(result),
    }),
  };
}

/** Renders a receipt, which holds no stored text. */
function receiptText(receipt: unknown): string {
  return `${JSON.stringify(receipt)}\nThis key lacks the scope memories:read, so the result holds ids, versions and dates only.`;
}
