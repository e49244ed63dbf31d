import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import pg from 'pg';
import { z } from 'zod';
import { serializeMemory } from '../../api/memories/serialize-memory.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import { serve } from './serve.ts';

/**
 * Starts the baseline for MCP calls: the SDK's stateless server as its documentation has it, with one tool that executes the same query
 * through a pool of `pg`, without authentication, limits, metering, row-level security and a token budget. The user is the path.
 */
export async function startSdkServer(databaseUrl: string) {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  return serve(async (request, response) => {
    const userId = request.url?.slice(1) ?? '';
    const mcp = new McpServer({ name: 'minimal', version: '1.0.0' });
    const tool = { description: 'Read a memory', inputSchema: { id: z.string() } };
    mcp.registerTool('get_memory', tool, async ({ id }) => {
      const row = await findMemory(pool as never, userId, id);
      return { content: [{ type: 'text', text: JSON.stringify(row && serializeMemory(row)) }] };
    });
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.once('close', () => void mcp.close());
    await mcp.connect(transport as never);
    await transport.handleRequest(request, response);
  }, pool);
}
