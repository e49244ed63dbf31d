import type { Service } from '../../api/bootstrap.ts';
import { rowOf } from './fill.ts';
import { WHAT } from './growth-report.ts';
import { create, type Figure, figure, post, timed, timeInserts } from './measure.ts';
import { rowsRead, untilEmbedded } from './tables.ts';
import type { Bench, Tenant } from './tenants.ts';
import { GROWING, mistype } from './texts.ts';

/** What is created to be measured is no text that was filled. */
export const NEW_FROM = 10_000_000;

/** Who is asked at a size, and what. */
export interface Round {
  size: number;
  big: Tenant;
  small: Tenant;
  /** The same at every size. */
  asked: string[];
  askedOfSmall: string[];
}

/** Measures everything at one size, reads first. */
export async function measureAll(bench: Bench, round: Round): Promise<Figure[]> {
  return [...(await measureReads(bench, round)), ...(await measureWrites(bench, round))];
}

interface Way {
  what: string;
  service: Service;
  tenant: Tenant;
  questions: string[];
  ask: (query: string) => Promise<unknown>;
}

async function measureReads({ whole, words, writeVectors, say }: Bench, round: Round): Promise<Figure[]> {
  const { size, big, small, asked, askedOfSmall } = round;
  const semantic = writeVectors ? 'ok' : 'disabled';
  const searching = (what: string, service: Service, tenant: Tenant, questions: string[]): Way => {
    const expected = service === whole ? semantic : 'disabled';
    return { what, service, tenant, questions, ask: (query) => search(service, tenant, query, expected) };
  };
  const packing = (query: string) => post(whole, big.apiKey, '/context', { query, max_tokens: 1_500 });
  const ways: Way[] = [
    searching(WHAT.search, whole, big, asked),
    searching(WHAT.words, words, big, asked),
    searching(WHAT.mistyped, words, big, asked.map(mistype)),
    { what: WHAT.context, service: whole, tenant: big, questions: asked, ask: packing },
    searching(WHAT.small, whole, small, askedOfSmall),
    searching(WHAT.smallWords, words, small, askedOfSmall),
  ];
  const figures: Figure[] = [];
  for (const { what, service, tenant, questions, ask } of ways) {
    const before = await rowsRead(service.database, tenant.userId);
    const times = await timed(questions, ask);
    const rows = ((await rowsRead(service.database, tenant.userId)) - before) / questions.length;
    const measured = figure(size, what, times, rows);
    say(`with ${size} memories, ${what}: p50 ${measured.p50Ms.toFixed(1)} ms`);
    figures.push(measured);
  }
  return figures;
}

async function search(service: Service, { apiKey }: Tenant, query: string, semantic: 'ok' | 'disabled'): Promise<void> {
  const { retrievers } = await post<{ retrievers: { semantic: string } }>(service, apiKey, '/search', { query });
  if (retrievers.semantic !== semantic)
    throw new Error(`the search by meaning was ${retrievers.semantic}, not ${semantic}`);
}

async function measureWrites({ whole, words, texts, say }: Bench, { size, big, asked }: Round): Promise<Figure[]> {
  say(`with ${size} memories: writing`);
  let next = NEW_FROM + size;
  const notes = () => asked.map(() => texts.note(GROWING, next++));
  const rows = () => notes().map((note) => rowOf(note));
  const creating = (service: Service) => timed(notes(), (note) => create(service, big.apiKey, note));
  const created = await creating(whole);
  await untilEmbedded(whole.database);
  return [
    figure(size, WHAT.create, created),
    figure(size, WHAT.createWords, await creating(words)),
    figure(size, WHAT.indexed, await timeInserts(words, big.userId, rows(), true)),
    figure(size, WHAT.bare, await timeInserts(words, big.userId, rows(), false)),
  ];
}
