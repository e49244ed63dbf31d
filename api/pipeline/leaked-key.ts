import { isWellFormedKey } from '../keys/key-format.ts';
import { type LeakedKeyReport, revokeLeakedKey } from '../keys/leaked-key-reports.ts';
import type { PipelineDependencies } from './dependencies.ts';

/** Revokes a key that was found in public, and returns whether it is or was a key of this service. */
export async function handleLeakedKey(pipeline: PipelineDependencies, report: LeakedKeyReport): Promise<boolean> {
  if (!isWellFormedKey(report.apiKey)) return false;
  const { now, newId } = pipeline;
  const userId = await pipeline.database.ownerWrite((sql) => revokeLeakedKey({ sql, now, newId }, report));
  // The database notifies this node too, but perhaps only after the response.
  if (userId) pipeline.keys.onChange(userId);
  return userId !== undefined;
}
