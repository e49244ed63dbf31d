import type { Where } from './where.ts';

type Scalar = string | number | boolean | null;
type Bound = string | number;

/** Conditions on the metadata at a path. Those that are given must all hold. */
export interface MetadataFilter {
  /** Keys from the outside in; a number selects an element of an array. */
  path: readonly string[];
  eq?: Scalar | undefined;
  in?: readonly Scalar[] | undefined;
  exists?: boolean | undefined;
  gt?: Bound | undefined;
  gte?: Bound | undefined;
  lt?: Bound | undefined;
  lte?: Bound | undefined;
}

const OPERATORS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** Adds the conditions on the metadata at a path. */
export function addMetadata(where: Where, filter: MetadataFilter): void {
  const value = `(metadata #> ${where.value(filter.path)}::text[])`;
  if (filter.eq !== undefined) where.and(isOneOf(where, value, [filter.eq]));
  if (filter.in) where.and(isOneOf(where, value, filter.in));
  if (filter.exists !== undefined) where.and(`${value} is ${filter.exists ? 'not null' : 'null'}`);
  for (const [name, operator] of Object.entries(OPERATORS)) {
    const bound = filter[name as keyof typeof OPERATORS];
    if (bound !== undefined) where.and(isBounded(where, value, operator, bound));
  }
}

/** The value is one of these, or an array that contains one. */
function isOneOf(where: Where, value: string, choices: readonly Scalar[]): string {
  const list = `${where.value(choices.map((choice) => JSON.stringify(choice)))}::jsonb[]`;
  return `(${value} = any (${list}) or (jsonb_typeof(${value}) = 'array' and ${value} @> any (${list})))`;
}

/** Numbers are compared with numbers and texts with texts, by code point; a value of another type does not match. */
function isBounded(where: Where, value: string, operator: string, bound: Bound): string {
  if (typeof bound === 'number') {
    const number = `${where.value(JSON.stringify(bound))}::jsonb`;
    return `(jsonb_typeof(${value}) = 'number' and ${value} ${operator} ${number})`;
  }
  const text = `(${value} #>> '{}') collate "C"`;
  return `(jsonb_typeof(${value}) = 'string' and ${text} ${operator} ${where.value(bound)}::text)`;
}
