import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { countTokens } from '../../api/tokens/count.ts';
import type { EvalSet, Question, Tenant, Tenants } from './load.ts';
import type { EvalService } from './service.ts';

/** How many results a question asks for: the deepest measure's depth. */
const LIMIT = 20;
/** The most that the tool gives, so that its budget does not shorten what is compared. */
const TOOL_TOKENS = 10_000;

/** What a question got. */
export interface Asked {
  id: string;
  category: string;
  /** Note ids, best first. */
  ids: string[];
  /** The same where recency and importance do not count. */
  idsWithoutPriors: string[];
  milliseconds: number;
  /** o200k tokens of the JSON answer. */
  tokens: number;
  /** Results that are not this owner's. */
  foreign: number;
  lowConfidence?: boolean;
  /** What the answer says about the state of each retriever, as JSON. */
  retrievers?: string;
  /** Whether the MCP tool ranked the same, where it was asked. */
  mcpAlike?: boolean;
}

// What an answer holds beside these may come and go.
const answer = z.object({
  results: z.array(z.object({ id: z.string() })),
  truncated: z.boolean().optional(),
  low_confidence: z.boolean().optional(),
  retrievers: z.unknown().optional(),
});

/** Asks every question over REST, and those that `overMcp` picks through the tool too. */
export async function askAll(
  service: EvalService,
  set: EvalSet,
  tenants: Tenants,
  questions: readonly Question[],
  overMcp: (index: number) => boolean,
): Promise<Asked[]> {
  const clients = new Map<string, Client>();
  const asked: Asked[] = [];
  await warmUp(service, tenants, questions);
  for (const [index, question] of questions.entries()) {
    const tenant = tenantOf(tenants, question);
    const { one, memoryIds } = await ask(service, tenant, question);
    if (overMcp(index)) {
      const client = clients.get(question.owner) ?? (await connectTool(service.url, tenant.apiKey));
      clients.set(question.owner, client);
      one.mcpAlike = await ranksAlike(client, question.query, memoryIds);
    }
    asked.push(one);
    if (index % 10 === 9) service.progress(`${set.name}: asked ${index + 1} of ${questions.length}`);
  }
  await Promise.all([...clients.values()].map((client) => client.close()));
  return asked;
}

export function tenantOf(tenants: Tenants, question: Question): Tenant {
  const tenant = tenants[question.owner];
  if (!tenant) throw new Error(`question ${question.id} is of ${question.owner}, who has no notes`);
  return tenant;
}

/** Lets the service open its connections and load what it loads once. */
async function warmUp(service: EvalService, tenants: Tenants, questions: readonly Question[]): Promise<void> {
  for (const question of questions.slice(0, 3)) await ask(service, tenantOf(tenants, question), question);
}

/** Share of `low_confidence: true` among questions that nothing here answers; undefined without any. The owners take turns. */
export async function shareOfWeak(
  service: EvalService,
  tenants: Tenants,
  questions: readonly Question[],
): Promise<number | undefined> {
  if (questions.length === 0) return undefined;
  const owners = Object.values(tenants);
  let weak = 0;
  for (const [index, question] of questions.entries()) {
    const { one } = await ask(service, owners[index % owners.length] as Tenant, question);
    if (one.lowConfidence) weak++;
  }
  return weak / questions.length;
}

async function ask(service: EvalService, tenant: Tenant, { id, category, query }: Question) {
  const { body, text, milliseconds } = await service.call(tenant.apiKey, 'POST', '/search', { query, limit: LIMIT });
  const { results, low_confidence, retrievers } = answer.parse(body);
  const memoryIds = results.map((result) => result.id);
  const notesOf = (ids: readonly string[]) => ids.flatMap((memoryId) => tenant.notesOf[memoryId] ?? []);
  const plain = await service.call(tenant.apiKey, 'POST', '/search', { query, limit: LIMIT, boosts: false });
  const one: Asked = {
    id,
    category,
    ids: notesOf(memoryIds),
    idsWithoutPriors: notesOf(answer.parse(plain.body).results.map((result) => result.id)),
    milliseconds,
    tokens: countTokens(text),
    foreign: memoryIds.filter((memoryId) => !tenant.notesOf[memoryId]).length,
    ...(low_confidence !== undefined && { lowConfidence: low_confidence }),
    ...(retrievers !== undefined && { retrievers: JSON.stringify(retrievers) }),
  };
  return { one, memoryIds };
}

async function connectTool(url: string, apiKey: string): Promise<Client> {
  const client = new Client({ name: 'eval', version: '1.0.0' });
  const requestInit = { headers: { Authorization: `Bearer ${apiKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }) as never);
  return client;
}

/** True when the tool answers these memories in this order, or as many of them as its budget holds. */
async function ranksAlike(client: Client, query: string, memoryIds: readonly string[]): Promise<boolean> {
  const input = { query, limit: LIMIT, max_tokens: TOOL_TOKENS };
  const result = await client.callTool({ name: 'search_memories', arguments: input });
  if (result.isError) throw new Error(`search_memories: ${JSON.stringify(result.content)}`);
  const { results, truncated } = answer.parse(result.structuredContent);
  const same = results.every(({ id }, index) => id === memoryIds[index]);
  return same && (truncated === true || results.length === memoryIds.length);
}
