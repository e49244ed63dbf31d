import type { Figure } from './measure.ts';
import type { Sizes } from './tables.ts';

/** The results of a run, as `--json` writes them. */
export interface Run {
  embedder: string;
  tenants: number;
  each: number;
  questions: number;
  figures: Figure[];
  /** One entry per size of the growing tenant. */
  disk: ({ size: number } & Sizes)[];
}

/** Names of the measures in tables and files. */
export const MEASURES = {
  search: 'search',
  lexical: 'lexical search',
  mistyped: 'lexical, one mistyped word',
  context: 'context, 1,500 tokens',
  small: 'small tenant: search',
  smallLexical: 'small tenant: lexical',
  create: 'create',
  createWithoutEncoder: 'create, no encoder',
  indexed: 'insert and index terms',
  bare: 'insert only',
} as const;

/** Limits that must hold as a tenant grows. */
const MAX = { growth: 5, searchMs: 60 };
/** The size that both limits are about. */
const LARGE = 100_000;

export function printFigures(figures: readonly Figure[], against?: Run): void {
  console.table(
    figures.map((figure) => {
      const before = against?.figures.find(({ size, what }) => size === figure.size && what === figure.what);
      return {
        memories: figure.size,
        what: figure.what,
        'p50 ms': round(figure.p50Ms),
        'p95 ms': round(figure.p95Ms),
        'rows read': figure.rows === undefined ? '' : Math.round(figure.rows),
        ...(against && {
          'p50 change': change(before?.p50Ms, figure.p50Ms),
          'p95 change': change(before?.p95Ms, figure.p95Ms),
          'rows change': change(before?.rows, figure.rows),
        }),
      };
    }),
  );
}

export function printDisk({ size, memories, parts }: Run['disk'][number], against?: Run): void {
  const before = against?.disk.find((one) => one.size === size);
  console.log(`Bytes per memory, for all ${memories} memories of all tenants:`);
  console.table(
    Object.entries(parts).map(([part, bytes]) => {
      const former = before && (before.parts[part] ?? 0) / before.memories;
      return {
        part,
        'bytes per memory': Math.round(bytes / memories),
        MB: round(bytes / 1e6),
        ...(against && { change: change(former, bytes / memories) }),
      };
    }),
  );
}

/** Prints the ratios with their limits. */
export function printRatios({ figures, tenants, each, embedder }: Run): void {
  const sizes = [...new Set(figures.map(({ size }) => size))];
  const [first = 0, last = 0] = [sizes[0], sizes.filter((size) => size <= LARGE).at(-1) ?? sizes.at(-1)];
  const at = (size: number, what: string) => figures.find((one) => one.size === size && one.what === what);
  const growth = (what: string) => (at(last, what)?.p95Ms ?? Number.NaN) / (at(first, what)?.p95Ms ?? Number.NaN);
  const search = at(last, MEASURES.search);
  const lines = [
    `Beside ${tenants} tenants of ${each} memories. Texts${embedder === 'none' ? '' : ' and vectors'} are synthetic.`,
    `${MEASURES.lexical}, p95: ${round(growth(MEASURES.lexical))} times as long with ${last} memories as with ${first} (at most ${MAX.growth})`,
    `${MEASURES.search} with ${last} memories: p50 ${round(search?.p50Ms)} ms, p95 ${round(search?.p95Ms)} ms (below ${MAX.searchMs})`,
    `${MEASURES.small}, p95: ${round(growth(MEASURES.small))} times as long beside ${last} memories as beside ${first} (about 1)`,
    `indexing terms: an insert takes ${round((at(last, MEASURES.indexed)?.p50Ms ?? 0) / (at(last, MEASURES.bare)?.p50Ms ?? 0))} times as long as without, p50`,
  ];
  for (const line of lines) console.log(line);
}

function change(before: number | undefined, after: number | undefined): string {
  if (before === undefined || after === undefined || before === 0) return '';
  const percent = Math.round(100 * (after / before - 1));
  return `${percent > 0 ? '+' : ''}${percent} %`;
}

function round(number: number | undefined): number {
  return number === undefined ? Number.NaN : Math.round(number * 100) / 100;
}
