import type { MemoryStatus, MemoryType } from './memories.ts';

/** What every list, search and bulk change can be narrowed by. Tags come normalised. */
export interface MemoryFilter {
  ids?: string[];
  type?: MemoryType;
  status?: MemoryStatus;
  tags?: string[];
  tagsMatch?: 'all' | 'any' | 'exact';
  /** Null is a value: memories of no project. */
  project?: string | null;
  sessionId?: string | null;
  createdAfter?: Date;
  createdBefore?: Date;
  occurredAfter?: Date;
  occurredBefore?: Date;
  updatedBefore?: Date;
  /** Leaves out what has expired by then. */
  validAt?: Date;
}

/** A `where` that grows with its parameters, so that no value is ever written into the text. */
export class Where {
  readonly values: unknown[];
  private readonly conditions: string[] = [];

  constructor(userId: string) {
    this.values = [userId];
    this.conditions.push('user_id = $1');
  }

  /** Adds a parameter and answers its placeholder. */
  value(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  and(condition: string): this {
    this.conditions.push(condition);
    return this;
  }

  /** False while it lets every memory of the tenant through. */
  get narrows(): boolean {
    return this.conditions.length > 1;
  }

  get text(): string {
    return this.conditions.join(' and ');
  }

  /** The same without offering an index of the tenant: where the index of words is to find them. */
  get textForTermIndex(): string {
    const [tenant, ...rest] = this.conditions;
    return [`(${tenant}) is true`, ...rest].join(' and ');
  }
}

/** The conditions of a filter. Those of `tags` follow `tagsMatch`: `all` (default), `any`, or `exact` (no other tag, and with none given: untagged). */
export function whereMemories(userId: string, filter: MemoryFilter): Where {
  const where = new Where(userId);
  const equal = (column: string, value: unknown) => {
    if (value !== undefined) where.and(value === null ? `${column} is null` : `${column} = ${where.value(value)}`);
  };
  const range = (column: string, operator: '>=' | '<', value: Date | undefined) => {
    if (value !== undefined) where.and(`${column} ${operator} ${where.value(value)}`);
  };
  if (filter.ids) where.and(`id = any (${where.value(filter.ids)})`);
  equal('type', filter.type);
  equal('status', filter.status);
  equal('project', filter.project);
  equal('session_id', filter.sessionId);
  range('created_at', '>=', filter.createdAfter);
  range('created_at', '<', filter.createdBefore);
  range('occurred_at', '>=', filter.occurredAfter);
  range('occurred_at', '<', filter.occurredBefore);
  range('updated_at', '<', filter.updatedBefore);
  if (filter.validAt) where.and(`(expires_at is null or expires_at > ${where.value(filter.validAt)})`);
  andTags(where, filter);
  return where;
}

function andTags(where: Where, { tags, tagsMatch = 'all' }: MemoryFilter): void {
  if (!tags) return;
  if (tags.length === 0 && tagsMatch !== 'exact') return;
  const list = `${where.value(tags)}::text[]`;
  if (tagsMatch === 'any') where.and(`tags && ${list}`);
  else where.and(`tags @> ${list}`);
  if (tagsMatch === 'exact') where.and(`tags <@ ${list}`);
}
