import { LIMITS } from '../contracts/fields.ts';
import { invalidField } from '../errors.ts';

type Metadata = Record<string, unknown>;

/**
 * Merges a patch into metadata as JSON Merge Patch does (RFC 7396): null removes a key, objects are merged, other values replace.
 * @throws Problem `unprocessable` when the result is too large
 */
export function mergeMetadata(metadata: Metadata, patch: Metadata): Metadata {
  const merged = merge(metadata, patch);
  if (Buffer.byteLength(JSON.stringify(merged)) <= LIMITS.metadataBytes) return merged;
  throw invalidField('metadata_merge', `the merged metadata must be at most ${LIMITS.metadataBytes} bytes as JSON`);
}

function merge(target: Metadata, patch: Metadata): Metadata {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    const current = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isObject(value) ? merge(isObject(current) ? current : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
