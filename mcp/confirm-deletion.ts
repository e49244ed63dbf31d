import type { z } from 'zod';
import { get } from '../api/contracts/memories.ts';
import type { Call } from '../api/pipeline/call.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { lookUp } from '../api/pipeline/run.ts';
import type { Tool } from './define-tool.ts';
import type { Exchange } from './definition.ts';
import { cut } from './errors.ts';
import { prefixResolver } from './id-prefixes.ts';
import { deleteMemory } from './tools/delete-memory.ts';
import { oneLine } from './tools/format.ts';

/** Name of the question in `inputRequests` and `inputResponses`. */
const QUESTION = 'confirm_deletion';
/** Characters of a title that the question shows. */
const TITLE_MAX = 100;

/**
 * Lets the person behind a client confirm a permanent deletion, where the client can ask: since 2026-07-28 the result of the first call
 * is the question, and the client repeats the call with the response. Earlier versions ask within a session, which this server does not
 * keep.
 * @returns the question, or the result where the user declined; undefined when the deletion may go on
 */
export async function confirmDeletion(
  pipeline: PipelineDependencies,
  call: Call,
  tool: Tool,
  input: Record<string, unknown>,
  { clientCapabilities, inputResponses }: Exchange,
): Promise<object | undefined> {
  if (tool !== deleteMemory || input.permanent !== true || !clientCapabilities.elicitation) return undefined;
  const response = inputResponses?.[QUESTION];
  if (typeof response !== 'object' || response === null) return ask(await titleOf(pipeline, call, input));
  if ('action' in response && response.action === 'accept') return undefined;
  const text =
    'Not deleted: the user did not confirm the permanent deletion. Without `permanent` the memory is archived.';
  return { isError: true, content: [{ type: 'text', text }] };
}

function ask(title: string) {
  const message = `Delete ${title} and its former versions permanently? This cannot be undone.`;
  const params = { message, requestedSchema: { type: 'object', properties: {} } };
  return { resultType: 'input_required', inputRequests: { [QUESTION]: { method: 'elicitation/create', params } } };
}

/** Returns the title of the memory in quotes; without a title, where the call itself will fail or the key may not read, a general word. */
async function titleOf(pipeline: PipelineDependencies, call: Call, input: Record<string, unknown>): Promise<string> {
  if (!call.caller.scopes.includes('memories:read')) return 'the memory';
  try {
    const named = { id: input.id };
    const resolve = prefixResolver(deleteMemory.inputSchema, named);
    const found = (await lookUp(pipeline, get, { ...call, resolve }, named)) as z.output<typeof get.output>;
    return `“${cut(oneLine(found.title), TITLE_MAX)}”`;
  } catch {
    return 'the memory';
  }
}
