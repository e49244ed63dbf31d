import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { Load, LoadResult, Target } from './load.ts';

/** The process that sends a load: takes one from its parent, answers how it went, and ends. */
async function send({ target, connections, milliseconds }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let failed = 0;
  const started = performance.now();
  const end = started + milliseconds;
  const caller = async () => {
    while (performance.now() < end) {
      const before = performance.now();
      if ((await call(target, agent)) !== target.expect) failed++;
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

function call(target: Target, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const body = target.body?.replaceAll('{new}', randomUUID());
    const headers = {
      ...target.headers,
      ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
    };
    const sent = request(target.url, { method: target.method, agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

process.once('message', async (load: Load) => {
  process.send?.(await send(load));
});
