import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';

/** Responses of a service under continuous calls. */
export interface TrafficResult {
  calls: number;
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  /** Number of calls by status or error, other than 2xx. */
  failures: Record<string, number>;
}

export interface Traffic {
  /** Number of responses so far. */
  calls(): number;
  /** Lets the calls in progress end, and returns what the calls returned. */
  stop(): Promise<TrafficResult>;
}

interface Call {
  method: string;
  path: string;
  body?: unknown;
}

/** Calls in turn: writes and reads of REST, and a tool call over MCP. */
const CALLS: readonly (() => Call)[] = [
  () => ({ method: 'POST', path: '/api/v1/memories', body: { title: randomUUID(), content: `Note ${randomUUID()}` } }),
  () => ({ method: 'POST', path: '/api/v1/search', body: { query: 'note', limit: 5 } }),
  () => ({ method: 'GET', path: '/api/v1/memories?limit=5' }),
  () => ({ method: 'POST', path: '/api/v1/context', body: { query: 'note', max_tokens: 500 } }),
  () => ({ method: 'GET', path: '/api/v1/stats' }),
  () => ({
    method: 'POST',
    path: '/mcp',
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'search_memories', arguments: { query: 'note' } },
    },
  }),
];

/** Calls a service on a number of connections that are kept, without repeating any call, until it is stopped. */
export function startTraffic(options: { url: string; apiKey: string; connections: number }): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const times: number[] = [];
  const failures: Record<string, number> = {};
  const started = performance.now();
  let stopped = false;
  const caller = async (connection: number) => {
    for (let turn = connection; !stopped; turn++) {
      const before = performance.now();
      const outcome = await send(options, agent, (CALLS[turn % CALLS.length] as () => Call)());
      times.push(performance.now() - before);
      if (!/^2/.test(outcome)) failures[outcome] = (failures[outcome] ?? 0) + 1;
    }
  };
  const running = Promise.all(Array.from({ length: options.connections }, (_, index) => caller(index)));
  return {
    calls: () => times.length,
    async stop() {
      stopped = true;
      await running;
      agent.destroy();
      const seconds = (performance.now() - started) / 1000;
      const sorted = times.toSorted((a, b) => a - b);
      const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
      const perSecond = Math.round(times.length / seconds);
      return { calls: times.length, perSecond, p50Ms: at(0.5), p95Ms: at(0.95), failures };
    },
  };
}

/** Sends a call. Returns the status of its response, or the code of the error. */
function send(options: { url: string; apiKey: string }, agent: Agent, { method, path, body }: Call): Promise<string> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    Authorization: `Bearer ${options.apiKey}`,
    Accept: 'application/json, text/event-stream',
    ...(text !== undefined && { 'Content-Type': 'application/json', 'Content-Length': `${Buffer.byteLength(text)}` }),
  };
  return new Promise((resolve) => {
    const sent = request(`${options.url}${path}`, { method, agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(`${response.statusCode}`));
      response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(text);
  });
}
