import { z } from 'zod';
import * as f from './fields.ts';

/*
 * Receipts: the responses of memory writes to a caller without the scope `memories:read`. They hold ids, versions and dates. The
 * schemas are not strict: they pick these fields of the operation's output.
 */

const ids = z.array(z.object({ id: f.id }));

/** Receipt of a write of one memory. */
export const memoryReceipt = z.object({ id: f.id, version: z.int(), created_at: f.instant, updated_at: f.instant });

/** Of an archived or deleted memory. */
export const removedReceipt = z.object({ id: f.id, version: z.int().nullable() });

/** Of a batch. An item without an id was rejected; `error` is about the caller's own input. */
export const batchReceipt = z.object({
  results: z.array(
    z.object({
      index: z.int(),
      id: f.id.nullable(),
      error: z
        .object({
          code: z.string(),
          detail: z.string(),
          errors: z.array(z.object({ path: z.string(), message: z.string() })),
        })
        .optional(),
    }),
  ),
});

/** Of a bulk change. `remaining` says whether to repeat it. */
export const bulkReceipt = z.object({ dry_run: z.boolean(), changed: z.array(f.id), remaining: z.int() });

/** Of a consolidation. */
export const consolidationReceipt = z.object({
  dry_run: z.boolean(),
  promoted: ids,
  archived: z.array(z.object({ id: f.id, digest_id: f.id.nullable() })),
  digests: z.array(z.object({ id: f.id.nullable() })),
  remaining: z.int(),
});

/** Of the normalization of tags. */
export const normalizationReceipt = z.object({ dry_run: z.boolean(), changed: ids, remaining: z.int() });
