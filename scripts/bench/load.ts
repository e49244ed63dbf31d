import { Agent, request } from 'node:http';

export interface LoadResult {
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  /** Answers that were not expected; a benchmark with any is worth nothing. */
  failed: number;
}

export interface Target {
  url: string;
  method: string;
  headers: Record<string, string>;
  /** A new body for each request. */
  body?: () => string;
  expect: number;
}

/** Sends requests over `connections` kept-alive connections of loopback for a while, and tells how fast the answers came. */
export async function load(target: Target, connections: number, milliseconds: number): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let failed = 0;
  const end = performance.now() + milliseconds;
  const started = performance.now();
  const caller = async () => {
    while (performance.now() < end) {
      const before = performance.now();
      if ((await send(target, agent)) !== target.expect) failed++;
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: connections }, caller));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: times.length / seconds, p50Ms: at(0.5), p95Ms: at(0.95), failed };
}

function send(target: Target, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const body = target.body?.();
    const headers = {
      ...target.headers,
      ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
    };
    const call = request(target.url, { method: target.method, agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    });
    call.once('error', reject);
    call.end(body);
  });
}
