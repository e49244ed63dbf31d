import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

export const tags = operation({
  id: 'tags.list',
  summary: 'List the tags of active memories, most used first',
  tag: 'memories',
  http: { method: 'GET', path: '/tags', statuses: [200] },
  mcp: { resource: 'memory://tags' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({ limit: f.limit(100), cursor: f.cursor.optional() }),
  output: z.strictObject(f.page(z.strictObject({ tag: z.string(), count: z.int(), types: z.array(f.memoryType) }))),
  errors: [],
});

export const normalizeTags = operation({
  id: 'tags.normalize',
  summary: 'Normalize the tags of old memories',
  tag: 'memories',
  http: { method: 'POST', path: '/tags/normalize', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({ dry_run: z.boolean().default(true) }),
  output: z.strictObject({
    dry_run: z.boolean(),
    changed: z.array(
      z.strictObject({ id: f.id, title: z.string(), before: z.array(z.string()), after: z.array(z.string()) }),
    ),
    remaining: z.int(),
  }),
  receipt: receipts.normalizationReceipt,
  errors: ['storage_full'],
});
