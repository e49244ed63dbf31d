import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EvalSet, store, type Tenants } from './load.ts';
import type { EvalService } from './service.ts';

type Kept = Record<string, { fingerprint: string; tenants: Tenants }>;

/** Stores a set, unless the service's data directory contains it from an earlier run. */
export async function storeUnlessKept(service: EvalService, set: EvalSet, titleIsSession: boolean): Promise<Tenants> {
  const file = join(service.dataDir, 'eval-sets.json');
  const kept = await readKept(file);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([set.notes, titleIsSession]))
    .digest('hex');
  const before = kept[set.name];
  if (before?.fingerprint === fingerprint) return before.tenants;
  const tenants = await store(service, set, titleIsSession);
  // It contains the API keys of the evaluation's users.
  await writeFile(file, JSON.stringify({ ...kept, [set.name]: { fingerprint, tenants } }), { mode: 0o600 });
  return tenants;
}

async function readKept(file: string): Promise<Kept> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Kept;
  } catch {
    return {};
  }
}
