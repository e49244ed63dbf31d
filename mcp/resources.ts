import type { z } from 'zod';
import type { Operation } from '../api/contracts/operation.ts';
import { stats } from '../api/contracts/stats.ts';
import { tags } from '../api/contracts/tags.ts';
import { usage } from '../api/contracts/usage.ts';
import type { Tool } from './define-tool.ts';
import type { Delimit } from './delimiter.ts';
import { oneLine } from './tools/format.ts';
import { getContext } from './tools/get-context.ts';
import { getMemory } from './tools/get-memory.ts';
import { listMemories } from './tools/list-memories.ts';

/** The operation that a resource URI reads, and its input. */
interface ResourceRequest {
  operation: Operation;
  input: Record<string, unknown>;
  /** Renders a result that holds stored text, wrapped by `delimit`. Default: the result as JSON. */
  text?: (result: unknown, delimit: Delimit) => string;
}

export const RESOURCES = [
  {
    uri: 'memory://stats',
    name: 'stats',
    title: 'Memory statistics',
    description: 'Counts by type and status, tags, storage used.',
    mimeType: 'application/json',
  },
  {
    uri: 'memory://tags',
    name: 'tags',
    title: 'Tags in use',
    description: 'The tags of active memories with their counts, most used first.',
    mimeType: 'text/plain',
  },
  {
    uri: 'memory://usage',
    name: 'usage',
    title: 'Usage',
    description: "The last 7 days' calls, and today's and the storage beside what the plan allows.",
    mimeType: 'application/json',
  },
  {
    uri: 'memory://context',
    name: 'context',
    title: 'Context',
    description: 'The newest memories of the project as one text, to attach to a conversation.',
    mimeType: 'text/plain',
  },
] as const;

export const RESOURCE_TEMPLATES = [
  {
    uriTemplate: 'memory://memories/{id}',
    name: 'memory',
    title: 'A memory',
    description: 'One memory, by its id.',
    mimeType: 'text/plain',
  },
  {
    uriTemplate: 'memory://tags/{tag}',
    name: 'tag',
    title: 'Memories with a tag',
    description: 'The newest memories with a tag.',
    mimeType: 'text/plain',
  },
  {
    uriTemplate: 'memory://projects/{project}',
    name: 'project',
    title: 'Memories of a project',
    description: 'The newest memories of a project.',
    mimeType: 'text/plain',
  },
] as const;

/** Maximum tokens of a resource. */
const RESOURCE_TOKENS = 10_000;

/** Returns the operation of a resource URI; undefined for unknown ones. */
export function resourceRequest(uri: string): ResourceRequest | undefined {
  if (uri === 'memory://stats') return { operation: stats, input: {} };
  if (uri === 'memory://tags') return { operation: tags, input: { limit: 200 }, text: tagsText };
  if (uri === 'memory://usage') return { operation: usage, input: { days: 7, group_by: 'day' } };
  if (uri === 'memory://context') return requestOf(getContext, {});
  const [, kind, encoded = ''] = /^memory:\/\/(memories|tags|projects)\/([^/?#]+)$/.exec(uri) ?? [];
  const value = decoded(encoded);
  if (kind === undefined || value === undefined) return undefined;
  if (kind === 'memories') return requestOf(getMemory, { id: value });
  return requestOf(listMemories, kind === 'tags' ? { tags: [value], project: '*' } : { project: value });
}

function requestOf(tool: Tool, input: Record<string, unknown>): ResourceRequest {
  return {
    operation: tool.operation,
    input: { ...input, max_tokens: RESOURCE_TOKENS },
    text: (result, delimit) => tool.render(result, delimit).text,
  };
}

function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function tagsText(result: unknown, delimit: Delimit): string {
  const page = result as z.output<typeof tags.output>;
  if (page.total === 0) return 'No tags are in use.';
  const shown =
    page.results.length < page.total ? `${page.results.length} of ${page.total} tags` : `${page.total} tags`;
  return `${shown}, most used first.\n${delimit(page.results.map(({ tag, count }) => `${oneLine(tag)} (${count})`).join('\n'))}`;
}
