import pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import type { Result, Statement } from './sql.ts';

/** The part of `pg`'s connection that sends messages of the extended protocol. */
interface Wire {
  /** Texts of the statements that are prepared on it, and of those about to be, by name: `pg`'s own queries go by these too. */
  parsedStatements: Record<string, string>;
  submittedNamedStatements: Record<string, string>;
  close(message: { type: 'S'; name: string }): void;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly unknown[]; valueMapper: (value: unknown) => unknown }): void;
  describe(message: { type: 'P'; name: '' }): void;
  execute(message: { portal: '' }): void;
  sync(): void;
}

/** What came of statements: what the last one answers, and what it was, such as `COMMIT`. */
export interface BatchResult<Row> extends Result<Row> {
  command: string;
}

/** A column of an answer, and how its text becomes a value. */
interface Column {
  name: string;
  read: (text: string) => unknown;
}

/** Columns of prepared statements' answers, by connection and name: they are asked for once and stay what they are. */
const columnsOf = new WeakMap<Wire, Map<string, readonly Column[]>>();

type Answered = (error: Error | null, answer: BatchResult<never>) => void;

/** What `pg`'s query has beyond its published types: how it is sent, and what its client calls while the answer comes in. */
interface Query {
  queryMode: 'extended' | undefined;
  _result: { addRow(row: Record<string, unknown>): void };
  /** Stands for the answer, once set, until the connection is ready for what follows. */
  _canceledDueToError: unknown;
  prepare(wire: Wire): void;
  handleRowDescription(message: { fields: { name: string; dataTypeID: number }[] }): void;
  handleDataRow(message: { fields: (string | null)[] }): void;
  handleCommandComplete(message: unknown, wire: Wire): void;
  handleError(error: Error, wire: Wire): void;
}

const Query = pg.Query as unknown as new (text: string, values: undefined, done: Answered) => Query;

/** Statements that are sent before one Sync: what follows a failed one is not done. The last one's answer is theirs. */
class Batch extends Query {
  #statements: readonly Statement[];
  /** How many answers are still to come before the last one's. */
  #before: number;
  /** Names that this batch is the first to use on its connection. */
  #prepares: string[] = [];
  /** Of the last one's answer; until it has told them, if it has any. */
  #columns: readonly Column[] = [];
  /** Keeps them for the next use of the last one, if it has a name. */
  #keepColumns: (columns: readonly Column[]) => void = () => undefined;

  constructor(statements: readonly Statement[], done: Answered) {
    super('', undefined, done);
    this.queryMode = 'extended';
    this.#statements = statements;
    this.#before = statements.length - 1;
  }

  override prepare(wire: Wire): void {
    for (const statement of this.#statements) {
      this.#bind(wire, statement);
      if (statement === this.#statements.at(-1)) this.#describe(wire, statement);
      wire.execute({ portal: '' });
    }
    wire.sync();
  }

  #bind(wire: Wire, { name = '', text, values = [] }: Statement): void {
    const isPrepared = wire.parsedStatements[name] ?? wire.submittedNamedStatements[name];
    if (!isPrepared) {
      wire.parse({ name, text });
      if (name !== '') {
        wire.parsedStatements[name] = text;
        this.#prepares.push(name);
      }
    }
    wire.bind({ statement: name, values, valueMapper: prepareValue });
  }

  #describe(wire: Wire, { name }: Statement): void {
    const known = columnsOf.get(wire) ?? new Map<string, readonly Column[]>();
    columnsOf.set(wire, known);
    const columns = name === undefined ? undefined : known.get(name);
    if (columns) this.#columns = columns;
    else wire.describe({ type: 'P', name: '' });
    if (name !== undefined) this.#keepColumns = (told) => known.set(name, told);
  }

  override handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, read: pg.types.getTypeParser(dataTypeID, 'text') }));
    this.#keepColumns(this.#columns);
  }

  override handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#before > 0 || this._canceledDueToError) return;
    const row: Record<string, unknown> = {};
    try {
      for (let i = 0; i < fields.length; i++) {
        const { name, read } = this.#columns[i] as Column;
        const text = fields[i] as string | null;
        row[name] = text === null ? null : read(text);
      }
    } catch (error) {
      this._canceledDueToError = error;
      return;
    }
    this._result.addRow(row);
  }

  override handleCommandComplete(message: unknown, wire: Wire): void {
    if (this.#before === 0) super.handleCommandComplete(message, wire);
    else this.#before--;
  }

  override handleError(error: Error, wire: Wire): void {
    // Nobody knows how far it came: what it would have prepared is prepared anew at its next use.
    for (const name of this.#prepares) {
      delete wire.parsedStatements[name];
      columnsOf.get(wire)?.delete(name);
      wire.close({ type: 'S', name });
    }
    super.handleError(error, wire);
  }
}

/**
 * Runs statements on a connection in one round trip: PostgreSQL takes them as one transaction, unless one is open, and does none
 * that follows a failed one. Answers what the last one does.
 */
export async function executeBatch<Row>(
  client: pg.ClientBase,
  ...statements: readonly Statement[]
): Promise<BatchResult<Row>> {
  try {
    return await new Promise<BatchResult<Row>>((resolve, reject) => {
      const done: Answered = (error, answer) => (error ? reject(error) : resolve(answer));
      client.query(new Batch(statements, done) as unknown as pg.Query);
    });
  } catch (error) {
    // Its stack is that of the socket; whoever reads it wants to know who asked.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}
