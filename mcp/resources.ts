import { findOperation } from '../api/contracts/index.ts';
import type { Operation } from '../api/contracts/operation.ts';

/** The operation that a resource URI reads, and its input. */
export interface ResourceRequest {
  operation: Operation;
  input: Record<string, unknown>;
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
    mimeType: 'application/json',
  },
  {
    uri: 'memory://usage',
    name: 'usage',
    title: 'Usage',
    description: "The last 7 days' calls, and today's and the storage beside what the plan allows.",
    mimeType: 'application/json',
  },
] as const;

export const RESOURCE_TEMPLATES = [
  {
    uriTemplate: 'memory://memories/{id}',
    name: 'memory',
    title: 'A memory',
    description: 'One memory, by its id.',
    mimeType: 'application/json',
  },
] as const;

/** Maximum tokens of a resource. */
const RESOURCE_TOKENS = 10_000;

/** Returns the operation of a resource URI; undefined for unknown ones. */
export function resourceRequest(uri: string): ResourceRequest | undefined {
  if (uri === 'memory://stats') return request('stats.get', {});
  if (uri === 'memory://tags') return request('tags.list', { limit: 200 });
  if (uri === 'memory://usage') return request('user.usage', { days: 7, group_by: 'day' });
  const id = /^memory:\/\/memories\/([^/?#]+)$/.exec(uri)?.[1];
  return id === undefined ? undefined : request('memories.get', { id, max_tokens: RESOURCE_TOKENS });
}

function request(id: string, input: Record<string, unknown>): ResourceRequest {
  const operation = findOperation(id);
  if (!operation) throw new Error(`no operation ${id}`);
  return { operation, input };
}
