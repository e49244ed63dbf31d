import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { countTokens } from '../../api/tokens/count.ts';
import type { EvalSet, Question, Tenant, Tenants } from './load.ts';
import type { EvalClient, EvalService } from './service.ts';

/** Results per question: the depth of the deepest measure. */
const LIMIT = 20;
/** The tool's maximum, so that its budget does not truncate the compared results. */
const TOOL_TOKENS = 10_000;

/** Search results of a question. */
export interface QuestionResult {
  id: string;
  category: string;
  /** Note ids, best first. */
  ids: string[];
  /** The same without ranking boosts. */
  idsWithoutBoosts: string[];
  milliseconds: number;
  /** o200k tokens of the JSON response. */
  tokens: number;
  /** Number of results that belong to another owner. */
  foreign: number;
  lowConfidence: boolean;
  /** The response's `retrievers` as JSON. */
  retrievers?: string;
  /** Whether the MCP tool ranked equally, if it was called. */
  mcpAgrees?: boolean;
}

// Not strict: other fields of a response may change.
const searchResponse = z.object({
  results: z.array(z.object({ id: z.string() })),
  truncated: z.boolean().optional(),
  low_confidence: z.boolean().optional(),
  retrievers: z.unknown().optional(),
});

/** Searches for every question over REST, and for those that `overMcp` selects through the tool too. */
export async function askAll(
  service: EvalService,
  set: EvalSet,
  tenants: Tenants,
  questions: readonly Question[],
  overMcp: (index: number) => boolean,
): Promise<QuestionResult[]> {
  const clients = new Map<string, Client>();
  const results: QuestionResult[] = [];
  await warmUp(service, tenants, questions);
  for (const [index, question] of questions.entries()) {
    const tenant = tenantOf(tenants, question);
    const { memoryIds, ...asked } = await ask(service, tenant, question);
    const plain = await ask(service, tenant, question, { boosts: false });
    const one: QuestionResult = { ...asked, idsWithoutBoosts: plain.ids };
    if (overMcp(index)) {
      const client = clients.get(question.owner) ?? (await connectTool(service.url, tenant.apiKey));
      clients.set(question.owner, client);
      one.mcpAgrees = await ranksEqually(client, question, memoryIds);
    }
    results.push(one);
    if (index % 10 === 9) service.progress(`${set.name}: searched for ${index + 1} of ${questions.length}`);
  }
  await Promise.all([...clients.values()].map((client) => client.close()));
  return results;
}

export function tenantOf(tenants: Tenants, question: Question): Tenant {
  const tenant = tenants[question.owner];
  if (!tenant) throw new Error(`the owner of question ${question.id}, ${question.owner}, has no notes`);
  return tenant;
}

/** Lets the service open its connections and load its models. */
async function warmUp(service: EvalService, tenants: Tenants, questions: readonly Question[]): Promise<void> {
  for (const question of questions.slice(0, 3)) await ask(service, tenantOf(tenants, question), question);
}

/** Returns the share of `low_confidence: true` for questions unrelated to the notes, or undefined without questions. Owners take turns. */
export async function shareOfLowConfidence(
  service: EvalService,
  tenants: Tenants,
  questions: readonly Question[],
): Promise<number | undefined> {
  if (questions.length === 0) return undefined;
  const owners = Object.values(tenants);
  let count = 0;
  for (const [index, question] of questions.entries()) {
    const { lowConfidence } = await ask(service, owners[index % owners.length] as Tenant, question);
    if (lowConfidence) count++;
  }
  return count / questions.length;
}

/** Searches for a question over REST. */
export async function ask(
  service: Pick<EvalClient, 'call'>,
  tenant: Tenant,
  question: Question,
  options: { boosts?: boolean } = {},
): Promise<Omit<QuestionResult, 'idsWithoutBoosts'> & { memoryIds: string[] }> {
  const { id, category, query, exclude, include_superseded } = question;
  const input = { query, exclude, include_superseded, limit: LIMIT, ...options };
  const { body, text, milliseconds } = await service.call(tenant.apiKey, 'POST', '/search', input);
  const { results, low_confidence, retrievers } = searchResponse.parse(body);
  const memoryIds = results.map((result) => result.id);
  return {
    id,
    category,
    ids: memoryIds.flatMap((memoryId) => tenant.notesOf[memoryId] ?? []),
    milliseconds,
    tokens: countTokens(text),
    foreign: memoryIds.filter((memoryId) => !tenant.notesOf[memoryId]).length,
    lowConfidence: low_confidence ?? false,
    ...(retrievers !== undefined && { retrievers: JSON.stringify(retrievers) }),
    memoryIds,
  };
}

async function connectTool(url: string, apiKey: string): Promise<Client> {
  const client = new Client({ name: 'eval', version: '1.0.0' });
  const requestInit = { headers: { Authorization: `Bearer ${apiKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }) as never);
  return client;
}

/** Returns true when the tool returns these memories in this order, or the first ones if its budget truncates them. */
async function ranksEqually(
  client: Client,
  { query, exclude, include_superseded }: Question,
  memoryIds: readonly string[],
): Promise<boolean> {
  const input = { query, exclude, include_superseded, limit: LIMIT, max_tokens: TOOL_TOKENS };
  const result = await client.callTool({ name: 'search_memories', arguments: input });
  if (result.isError) throw new Error(`search_memories: ${JSON.stringify(result.content)}`);
  const [{ text }] = z.tuple([z.object({ text: z.string() })]).parse(result.content);
  // Each memory has a line that ends with its id and details.
  const ids = [...text.matchAll(/^- .* \[([0-9a-f-]{36})\] \(/gm)].map((line) => line[1]);
  const isCut = /^\d+ of /.test(text);
  return ids.every((id, index) => id === memoryIds[index]) && (isCut || ids.length === memoryIds.length);
}
