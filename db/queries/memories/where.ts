/** A `where` clause and its parameters: values are never written into the text. */
export class Where {
  readonly values: unknown[];
  private readonly conditions: string[] = [];
  /** False with conditions that take many forms: a statement is then planned at each execution. */
  isCommon = true;

  constructor(userId: string) {
    this.values = [userId];
    this.conditions.push('user_id = $1');
  }

  /** Adds a parameter and returns its placeholder. */
  value(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  and(condition: string): this {
    this.conditions.push(condition);
    return this;
  }

  /** False while every memory of the tenant matches. */
  get narrows(): boolean {
    return this.conditions.length > 1;
  }

  get text(): string {
    return this.conditions.join(' and ');
  }

  /** The same conditions in a form that no index of the tenant matches, so that the planner uses the index of terms. */
  get textForTermIndex(): string {
    const [tenant, ...rest] = this.conditions;
    return [`(${tenant}) is true`, ...rest].join(' and ');
  }
}
