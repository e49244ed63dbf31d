import { readFile } from 'node:fs/promises';

/** Memory of processes over time. */
export interface MemoryRecord {
  /** Megabytes of all processes in the second quarter of the time, and in the last: the first quarter fills caches. */
  beforeMb: number;
  afterMb: number;
}

const SAMPLE_MS = 2_000;

/** Records the resident memory of processes until it is stopped. */
export function recordMemory(pids: () => readonly number[]): { stop(): MemoryRecord } {
  const samples: number[] = [];
  const timer = setInterval(async () => {
    const sizes = await Promise.all(pids().map(residentMb));
    samples.push(sizes.reduce((sum, size) => sum + size, 0));
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      const quarter = Math.floor(samples.length / 4);
      return { beforeMb: median(samples.slice(quarter, 2 * quarter)), afterMb: median(samples.slice(3 * quarter)) };
    },
  };
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}
