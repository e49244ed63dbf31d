import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Call, HeavyTraffic, QuietTraffic, TrafficResult } from './traffic.ts';

/** The most time that a call may take. */
const TIMEOUT_MS = 60_000;

/** Sends traffic and measures the responses. Runs in a process of its own, which receives the traffic from its parent. */
class Traffic {
  readonly #agent: Agent;
  readonly #times: number[] = [];
  readonly #rejected: Record<string, number> = {};

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  async quiet({ tenants, everyMs, milliseconds }: QuietTraffic): Promise<void> {
    const started = performance.now();
    const tenant = async (calls: Call[], index: number) => {
      const first = started + (everyMs * index) / tenants.length;
      for (let turn = 0; ; turn++) {
        const due = first + turn * everyMs;
        if (due > started + milliseconds) return;
        await delay(Math.max(0, due - performance.now()));
        // Tenants start at different calls, so that each moment has all kinds.
        await this.#call(calls[(turn + index) % calls.length] as Call, due);
      }
    };
    await Promise.all(tenants.map(tenant));
  }

  async heavy({ calls, connections, milliseconds }: HeavyTraffic): Promise<void> {
    const end = performance.now() + milliseconds;
    const connection = async (index: number) => {
      for (let turn = index; performance.now() < end; turn++) {
        await this.#call(calls[turn % calls.length] as Call, performance.now());
      }
    };
    await Promise.all(Array.from({ length: connections }, (_, index) => connection(index)));
  }

  async #call(call: Call, due: number): Promise<void> {
    const status = await this.#send(call).catch((error: NodeJS.ErrnoException) => error.code ?? 'error');
    this.#times.push(performance.now() - due);
    if (typeof status === 'number' && status < 400) return;
    this.#rejected[status] = (this.#rejected[status] ?? 0) + 1;
  }

  #send({ method, url, headers, body }: Call): Promise<number> {
    const bytes = body === undefined ? undefined : Buffer.from(body.replaceAll('{new}', randomUUID()));
    const options = { method, agent: this.#agent, headers: { ...headers, 'Content-Length': bytes?.length ?? 0 } };
    return new Promise((resolve, reject) => {
      const sent = request(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', reject);
      });
      sent.once('error', reject);
      sent.end(bytes);
    });
  }

  end(): TrafficResult {
    this.#agent.destroy();
    return { times: this.#times, rejected: this.#rejected };
  }
}

process.on('message', async (traffic: QuietTraffic | HeavyTraffic) => {
  const run = new Traffic(traffic.kind === 'quiet' ? traffic.tenants.length : traffic.connections);
  await (traffic.kind === 'quiet' ? run.quiet(traffic) : run.heavy(traffic));
  process.send?.(run.end());
});
