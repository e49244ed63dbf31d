import { randomInt, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { Load, LoadResult, Target } from './load.ts';

/** Sends a load, and measures the responses. Runs in a process of its own, which receives loads from its parent. */
async function send({ target, connections, milliseconds }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let failed = 0;
  const started = performance.now();
  const end = started + milliseconds;
  // Starts at a random body, so that few are sent twice.
  const first = randomInt(target.bodies?.length ?? 1);
  const caller = async (connection: number) => {
    for (let turn = first + connection; performance.now() < end; turn += connections) {
      const before = performance.now();
      if ((await call(target, connection, turn, agent)) !== target.expect) failed++;
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => caller(connection)));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: times.length / seconds, p50Ms: at(0.5), p95Ms: at(0.95), failed };
}

function call(target: Target, connection: number, turn: number, agent: Agent): Promise<number> {
  const { url, headers } = target.callers[connection % target.callers.length] as Target['callers'][number];
  const body = target.bodies?.[turn % target.bodies.length]?.replaceAll('{new}', randomUUID());
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: target.method, agent, headers: { ...headers, ...length } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

process.on('message', async (load: Load) => {
  process.send?.(await send(load));
});
