import type { Figure } from './measure.ts';
import type { Sizes } from './tables.ts';

/** A whole run, as `--json` writes it. */
export interface Run {
  embedder: string;
  tenants: number;
  each: number;
  questions: number;
  figures: Figure[];
  /** By the size of the tenant that grows. */
  disk: ({ size: number } & Sizes)[];
}

/** The names of what is measured, as tables and files have them. */
export const WHAT = {
  search: 'search',
  words: 'search by words alone',
  mistyped: 'by words, one mistyped',
  context: 'context, 1,500 tokens',
  small: 'a small tenant: search',
  smallWords: 'a small tenant: by words',
  create: 'create',
  createWords: 'create, no encoder',
  indexed: 'insert and index words',
  bare: 'insert alone',
} as const;

/** What must hold as a tenant grows. */
const AT_MOST = { growth: 5, searchMs: 60 };
/** The size that both are about. */
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
  console.log(`Bytes per memory, over all ${memories} memories of all tenants:`);
  console.table(
    Object.entries(parts).map(([part, bytes]) => {
      const was = before && (before.parts[part] ?? 0) / before.memories;
      return {
        part,
        'bytes per memory': Math.round(bytes / memories),
        MB: round(bytes / 1e6),
        ...(against && { change: change(was, bytes / memories) }),
      };
    }),
  );
}

/** The ratios that are promised, each with what it may be at most. */
export function printRatios({ figures, tenants, each, embedder }: Run): void {
  const sizes = [...new Set(figures.map(({ size }) => size))];
  const [first = 0, last = 0] = [sizes[0], sizes.filter((size) => size <= LARGE).at(-1) ?? sizes.at(-1)];
  const at = (size: number, what: string) => figures.find((one) => one.size === size && one.what === what);
  const growth = (what: string) => (at(last, what)?.p95Ms ?? Number.NaN) / (at(first, what)?.p95Ms ?? Number.NaN);
  const search = at(last, WHAT.search);
  const lines = [
    `Beside ${tenants} tenants of ${each} memories. Texts${embedder === 'none' ? '' : ' and vectors'} are made up.`,
    `${WHAT.words}, p95: ${round(growth(WHAT.words))} times as long with ${last} memories as with ${first} (at most ${AT_MOST.growth})`,
    `${WHAT.search} with ${last} memories: p50 ${round(search?.p50Ms)} ms, p95 ${round(search?.p95Ms)} ms (below ${AT_MOST.searchMs})`,
    `${WHAT.small}, p95: ${round(growth(WHAT.small))} times as long beside ${last} memories as beside ${first} (about 1)`,
    `indexing words: an insert takes ${round((at(last, WHAT.indexed)?.p50Ms ?? 0) / (at(last, WHAT.bare)?.p50Ms ?? 0))} times as long as without, p50`,
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
