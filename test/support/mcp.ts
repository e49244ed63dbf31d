import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import pg from 'pg';
import { type ApiResponse, type Json, Client as RestClient } from './client.ts';
import type { TestService, TestUser } from './service.ts';

/** Connects the SDK's client over Streamable HTTP, like an IDE. The caller closes it. */
export async function connectMcp(
  node: { url: string },
  user: { apiKey: string },
  options: { query?: string; headers?: Record<string, string> } = {},
): Promise<McpClient> {
  const transport = new StreamableHTTPClientTransport(new URL(`${node.url}/mcp${options.query ?? ''}`), {
    requestInit: { headers: { Authorization: `Bearer ${user.apiKey}`, ...options.headers } },
  });
  const client = new McpClient({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  // The client validates structured content only against output schemas that it has listed.
  await client.listTools();
  return client;
}

/** The SDK's client with shortcuts for tests. */
export class McpClient extends Client {
  /** Calls a tool. Returns its whole result. */
  tool(name: string, input: Record<string, unknown> = {}): Promise<ToolResult> {
    return this.callTool({ name, arguments: input }) as Promise<ToolResult>;
  }

  /** Calls a writing tool that must succeed, and returns its structured content. */
  async use(name: string, input: Record<string, unknown> = {}): Promise<Json> {
    return (await this.succeed(name, input)).structuredContent;
  }

  /** Calls a reading tool that must succeed, and returns what its text says. */
  async read(name: string, input: Record<string, unknown> = {}): Promise<ToolText> {
    return parseToolText(textOf(await this.succeed(name, input)));
  }

  private async succeed(name: string, input: Record<string, unknown>): Promise<ToolResult> {
    const result = await this.tool(name, input);
    if (result.isError) throw new Error(`${name} failed: ${textOf(result)}`);
    return result;
  }
}

/**
 * Returns what each kind of host shows a model of a result: only the text (Gemini CLI, opencode, Continue), the structured
 * content instead of the text (Claude Code, Codex, pydantic-ai, Mastra), both (Copilot CLI, Qwen Code), or the whole result as
 * JSON (Cline).
 */
export function shownForms(result: ToolResult): Record<'text' | 'structured' | 'both' | 'json', string> {
  const text = textOf(result);
  const structured = result.structuredContent && JSON.stringify(result.structuredContent);
  return { text, structured: structured ?? text, both: text + (structured ?? ''), json: JSON.stringify(result) };
}

/** The text of a reading tool, in parts. */
export interface ToolText {
  /** The text outside the delimiters: remarks of the tool. */
  remarks: string;
  /** The stored text between the delimiters; empty without any. */
  stored: string;
  /** The memories of a page. */
  results: { id: string; title: string; details: string; text: string }[];
  /** Number of matches that the first line states. */
  total: number;
  nextCursor: string | null;
  nextOffset: number | null;
}

/** Splits the text of a reading tool at its delimiters and, for a page, at the lines that name a memory. */
export function parseToolText(text: string): ToolText {
  const delimited =
    /^(?<before>.*?)<(?<tag>stored-memories-(?:[a-z][0-9]){6}) note="data, not instructions">\n(?<stored>.*)\n<\/\k<tag>>(?<after>.*)$/s;
  const { before = text, stored = '', after = '' } = delimited.exec(text)?.groups ?? {};
  const head = /^(?:- )?(?<title>.*) \[(?<id>[0-9a-f-]{36})\] \((?<details>.*)\)$/gm;
  const heads = [...stored.matchAll(head)];
  const results = heads.map(({ index, 0: line, groups = {} }, place) => ({
    id: groups.id as string,
    title: groups.title as string,
    details: groups.details as string,
    text: stored.slice(index + line.length + 1, heads[place + 1] ? (heads[place + 1]?.index ?? 0) - 1 : undefined),
  }));
  const remarks = before + after;
  const offset = /call again with offset (\d+)\./.exec(after)?.[1];
  return {
    remarks,
    stored,
    results,
    total: Number(/^(?:\d+ of (?:at least )?)?(\d+) (?:match|memor)/.exec(before)?.[1] ?? 0),
    nextCursor: /call again with cursor "(.*)"\./.exec(after)?.[1] ?? null,
    nextOffset: offset === undefined ? null : Number(offset),
  };
}

export type ToolResult = CallToolResult & { structuredContent?: Json };

/** Returns the only text of a result. */
export function textOf(result: ToolResult): string {
  const [only, ...more] = result.content;
  if (only?.type !== 'text' || more.length > 0) throw new Error('expected one text');
  return only.text;
}

/** Sends a POST to `/mcp`: a message, a batch, or a string unchanged. */
export function postMcp(
  node: { url: string },
  user: { apiKey: string } | undefined,
  message: unknown,
  headers: Record<string, string> = {},
): Promise<ApiResponse<Json>> {
  const accept = { Accept: 'application/json, text/event-stream' };
  return new RestClient(node.url, user?.apiKey).request('POST', `${node.url}/mcp`, message, { ...accept, ...headers });
}

/** A JSON-RPC request. */
export function rpc(method: string, params?: unknown, id: string | number = 1): Record<string, unknown> {
  return { jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) };
}

/** Replaces ids, times and days by names, equal values by equal names, for snapshots. */
export function steady<Value>(value: Value): Value {
  const names = new Map<string, string>();
  const named = (kind: string) => (match: string) => {
    if (!names.has(match))
      names.set(match, `<${kind} ${[...names.values()].filter((n) => n.includes(kind)).length + 1}>`);
    return names.get(match) as string;
  };
  const text = JSON.stringify(value)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, named('id'))
    .replace(/stored-memories-(?:[a-z][0-9]){6}/g, 'stored-memories-nonce')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, named('time'))
    .replace(/\b20\d\d-\d\d-\d\d\b/g, '<day>');
  return JSON.parse(text);
}

interface UsageRow {
  transport: string;
  operation: string;
  method: string;
  status: number;
  billable: boolean;
}

/** Returns the stored usage events of a user, oldest first. */
export async function usageEvents(node: TestService, user: TestUser): Promise<UsageRow[]> {
  const client = new pg.Client({ connectionString: node.databaseUrl });
  await client.connect();
  try {
    const text =
      'select transport, operation, method, status, billable from usage_events where user_id = $1 order by id';
    return (await client.query<UsageRow>(text, [user.userId])).rows;
  } finally {
    await client.end();
  }
}
