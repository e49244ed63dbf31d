import { z } from 'zod';

/** Limits on conditions on metadata. */
export const METADATA_FILTER = {
  conditions: 10,
  pathLength: 500,
  pathKeys: 8,
  values: 50,
  valueLength: 1_000,
} as const;

/**
 * Splits a path such as `source.kind` into its keys. A dot that belongs to a key is written `\.`, a backslash `\\`.
 */
export function pathKeys(path: string): string[] {
  const keys = [''];
  for (const [part] of path.matchAll(/\\[.\\]|\.|[^.\\]+|\\/gu)) {
    if (part === '.') keys.push('');
    else keys[keys.length - 1] += part === '\\.' || part === '\\\\' ? part.slice(1) : part;
  }
  return keys;
}

const path = z
  .string()
  .min(1)
  .max(METADATA_FILTER.pathLength)
  .refine(
    (value) => pathKeys(value).length <= METADATA_FILTER.pathKeys,
    `must have at most ${METADATA_FILTER.pathKeys} keys`,
  )
  .meta({ description: 'Keys from the outside in, such as `source.kind`; `\\.` is a dot of a key.' });

const string = z.string().max(METADATA_FILTER.valueLength);
const scalar = z.union([string, z.number(), z.boolean(), z.null()]);
const bound = z.union([string, z.number()]);

const COMPARISONS = ['eq', 'in', 'exists', 'gt', 'gte', 'lt', 'lte'] as const;

const metadataCondition = z
  .strictObject({
    path,
    eq: scalar.optional().meta({ description: 'The value, or an element of the array.' }),
    in: z.array(scalar).min(1).max(METADATA_FILTER.values).optional().meta({ description: 'One of these values.' }),
    exists: z.boolean().optional().meta({ description: 'Whether the path has a value; null is one.' }),
    gt: bound.optional().meta({ description: 'Numbers by value; texts, such as ISO dates, by code point.' }),
    gte: bound.optional(),
    lt: bound.optional(),
    lte: bound.optional(),
  })
  .refine(
    (condition) => COMPARISONS.some((comparison) => condition[comparison] !== undefined),
    `must have at least one of ${COMPARISONS.join(', ')}`,
  );
export type MetadataCondition = z.output<typeof metadataCondition>;

/** Conditions on metadata, of which all must hold. In a query string: a JSON array. */
export const metadataFilter = z.array(metadataCondition).max(METADATA_FILTER.conditions).meta({
  description:
    'Conditions on metadata, all of which must hold. In a query string as JSON: `[{"path":"kind","eq":"bug"}]`.',
});
