import type { Service } from '../../api/bootstrap.ts';
import { rowOf } from './fill.ts';
import { MEASURES } from './growth-report.ts';
import { create, type Figure, figure, post, timed, timeInserts } from './measure.ts';
import { rowsRead, untilEmbedded } from './tables.ts';
import type { SearchBench, Tenant } from './tenants.ts';
import { GROWING, mistype } from './texts.ts';

/** Index of the first note to create for measuring, beyond those of the bulk insert. */
export const NEW_NOTES_FROM = 10_000_000;

/** The tenants and queries of a size. */
interface Round {
  size: number;
  big: Tenant;
  small: Tenant;
  /** Queries for the big tenant, the same at every size. */
  queries: string[];
  smallQueries: string[];
}

/** Measures everything at one size, reads first. */
export async function measureAll(bench: SearchBench, round: Round): Promise<Figure[]> {
  return [...(await measureReads(bench, round)), ...(await measureWrites(bench, round))];
}

interface Measurement {
  what: string;
  service: Service;
  tenant: Tenant;
  questions: string[];
  execute: (query: string) => Promise<unknown>;
}

async function measureReads({ hybrid, lexical, writeVectors, progress }: SearchBench, round: Round): Promise<Figure[]> {
  const { size, big, small, queries, smallQueries } = round;
  const semantic = writeVectors ? 'ok' : 'disabled';
  const searchWith = (what: string, service: Service, tenant: Tenant, questions: string[]): Measurement => {
    const expected = service === hybrid ? semantic : 'disabled';
    return { what, service, tenant, questions, execute: (query) => search(service, tenant, query, expected) };
  };
  const requestContext = (query: string) => post(hybrid, big.apiKey, '/context', { query, max_tokens: 1_500 });
  const measurements: Measurement[] = [
    searchWith(MEASURES.search, hybrid, big, queries),
    searchWith(MEASURES.lexical, lexical, big, queries),
    searchWith(MEASURES.mistyped, lexical, big, queries.map(mistype)),
    { what: MEASURES.context, service: hybrid, tenant: big, questions: queries, execute: requestContext },
    searchWith(MEASURES.small, hybrid, small, smallQueries),
    searchWith(MEASURES.smallLexical, lexical, small, smallQueries),
  ];
  const figures: Figure[] = [];
  for (const { what, service, tenant, questions, execute } of measurements) {
    const before = await rowsRead(service.database, tenant.userId);
    const times = await timed(questions, execute);
    const rows = ((await rowsRead(service.database, tenant.userId)) - before) / questions.length;
    const measured = figure(size, what, times, rows);
    progress(`with ${size} memories, ${what}: p50 ${measured.p50Ms.toFixed(1)} ms`);
    figures.push(measured);
  }
  return figures;
}

async function search(service: Service, { apiKey }: Tenant, query: string, semantic: 'ok' | 'disabled'): Promise<void> {
  const { retrievers } = await post<{ retrievers: { semantic: string } }>(service, apiKey, '/search', { query });
  if (retrievers.semantic !== semantic) throw new Error(`semantic search was ${retrievers.semantic}, not ${semantic}`);
}

async function measureWrites(
  { hybrid, lexical, texts, progress }: SearchBench,
  { size, big, queries }: Round,
): Promise<Figure[]> {
  progress(`with ${size} memories: writing`);
  let next = NEW_NOTES_FROM + size;
  const notes = () => queries.map(() => texts.note(GROWING, next++));
  const rows = () => notes().map((note) => rowOf(note));
  const timeCreates = (service: Service) => timed(notes(), (note) => create(service, big.apiKey, note));
  const created = await timeCreates(hybrid);
  await untilEmbedded(hybrid.database);
  return [
    figure(size, MEASURES.create, created),
    figure(size, MEASURES.createWithoutEncoder, await timeCreates(lexical)),
    figure(size, MEASURES.indexed, await timeInserts(lexical, big.userId, rows(), true)),
    figure(size, MEASURES.bare, await timeInserts(lexical, big.userId, rows(), false)),
  ];
}
