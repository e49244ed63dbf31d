import { Agent } from 'node:http';
import { NIL } from 'uuid';
import type { Sql } from '../../db/client/sql.ts';
import {
  countStored,
  listDailyDifferences,
  listEvents,
  listMissingFromEmbeddingQueue,
  type RecordedEvent,
} from '../../db/queries/usage/consistency-checks.ts';
import { compareQuotas } from '../../db/queries/usage/quotas.ts';
import { entryOf, readCall } from './calls.ts';
import { type Entry, isOpen, type Written } from './log.ts';
import { send } from './send.ts';

/** What the log and the record have in common, counted, and where they differ. */
export interface Comparison {
  counts: Record<string, number>;
  /** A sentence each, with the id in question. Empty where nothing was lost, doubled or changed. */
  differences: string[];
}

export interface Compared {
  url: string;
  userId: string;
  apiKey: string;
  /** Everything that was ever called with the user's keys. A comparison adds what it reads itself. */
  entries: Entry[];
  /** The service makes vectors: each memory has them or waits for them. */
  embeds: boolean;
}

const READERS = 8;
const USERS_MAX = 1_000;

/** Holds what a client was answered against what is on record, event by event and memory by memory. As the owner. */
export async function compare(sql: Sql, compared: Compared): Promise<Comparison> {
  const { userId, entries } = compared;
  const differences: string[] = [];
  const answers = countAnswers(entries);
  entries.push(...(await readBack(compared, keptMemories(entries), differences)));
  const events = await listEvents(sql, userId);
  const extra = compareEvents(entries, events, differences);

  const stored = await countStored(sql, userId);
  const ofEvents = (operation: string, status: number) =>
    events.filter((event) => event.operation === operation && event.status === status).length;
  const same = (what: string, one: number, other: number) => {
    if (one !== other) differences.push(`${what}: ${one} and ${other}`);
  };
  same('memories and events of creates', stored.memories, ofEvents('memories.create', 201));
  same('memories and their titles', stored.memories, stored.titles);
  same('changes of memories and events of updates', stored.changes, ofEvents('memories.update', 200));
  for (const name of await listDailyDifferences(sql, userId)) differences.push(`daily totals and events: ${name}`);
  for (const { user_id, differs } of await compareQuotas(sql, NIL, USERS_MAX)) {
    if (differs) differences.push(`quota and recount: user ${user_id}`);
  }
  if (compared.embeds) {
    for (const id of await listMissingFromEmbeddingQueue(sql, userId))
      differences.push(`no vectors and not waiting: memory ${id}`);
  }
  return { counts: { ...answers, ...extra, memories: stored.memories }, differences };
}

/** Each answered event exactly once, as what was answered; and no more others than calls without an answer. */
function compareEvents(entries: readonly Entry[], events: readonly RecordedEvent[], differences: string[]) {
  const byId = new Map<string, RecordedEvent>();
  for (const event of events) {
    if (byId.has(event.id)) differences.push(`twice on record: event ${event.id}`);
    byId.set(event.id, event);
  }
  const named = new Map<string, Entry>();
  for (const entry of entries) {
    const what = `${entry.transport} ${entry.operation} ${entry.status}`;
    if (entry.status === undefined) continue;
    if (entry.status !== entry.expected && entry.status !== 503) {
      differences.push(`answered ${what} instead of ${entry.expected}: event ${entry.event}`);
    }
    if (!entry.event) {
      if (entry.status !== 503) differences.push(`answered without an event: ${what}`);
      continue;
    }
    const first = named.get(entry.event);
    if (first && !isReplayOf(entry, first) && !isReplayOf(first, entry)) {
      differences.push(`two answers, one event: ${entry.event}`);
    }
    named.set(entry.event, entry);
    const event = byId.get(entry.event);
    if (!event) differences.push(`answered and not on record: ${what}, event ${entry.event}`);
    else if (!tellsOf(event, entry)) {
      differences.push(
        `answered ${what}, on record ${event.transport} ${event.operation} ${event.status}: ${event.id}`,
      );
    }
  }
  const unnamed = events.filter(({ id }) => !named.has(id));
  comparePossible(entries, unnamed, differences);
  return { 'events on record': events.length, 'of them unanswered': unnamed.length };
}

/** A 503 may stand for a commit whose confirmation was lost: then what was done is on record. */
function tellsOf({ transport, operation, status }: RecordedEvent, entry: Entry): boolean {
  if (transport !== entry.transport || operation !== entry.operation) return false;
  return status === entry.status || (entry.status === 503 && status === entry.expected);
}

function isReplayOf(entry: Entry, first: Entry): boolean {
  return (
    entry.replayed === true && entry.idempotencyKey === first.idempotencyKey && entry.memory?.id === first.memory?.id
  );
}

/** Each call leaves at most one event, answered or not. */
function comparePossible(entries: readonly Entry[], unnamed: readonly RecordedEvent[], differences: string[]): void {
  const open = new Map<string, number>();
  const nameOf = ({ transport, operation }: { transport: string; operation: string }) => `${transport} ${operation}`;
  for (const entry of entries) {
    if (isOpen(entry) && !entry.event) open.set(nameOf(entry), (open.get(nameOf(entry)) ?? 0) + 1);
  }
  for (const event of unnamed) {
    const left = open.get(nameOf(event)) ?? 0;
    if (left === 0) differences.push(`on record and called by nobody: ${nameOf(event)}, event ${event.id}`);
    open.set(nameOf(event), left - 1);
  }
}

interface Kept {
  answered: Written;
  /** A change that nobody knows the end of. */
  open?: Written;
}

/** Every memory that an answer spoke of, as it must be found, by its id. */
function keptMemories(entries: readonly Entry[]): Map<string, Kept> {
  const kept = new Map<string, Kept>();
  for (const { memory, ...entry } of entries) {
    if (!memory?.id) continue;
    const former = kept.get(memory.id);
    const done = entry.status === entry.expected;
    // The repeated answer of a create tells of a state that may be past.
    if (done && memory.version > (former?.answered.version ?? 0)) kept.set(memory.id, { answered: memory });
    else if (!done && former) former.open = memory;
  }
  return kept;
}

/** Reads every answered memory by its id, as anybody would. Answers the log of that. */
async function readBack(compared: Compared, kept: Map<string, Kept>, differences: string[]): Promise<Entry[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: READERS });
  const entries: Entry[] = [];
  const next = kept.entries();
  const reader = async () => {
    for (const [id, { answered, open }] of next) {
      const call = readCall(id);
      const reply = await send(agent, compared.url, compared.apiKey, call.request);
      entries.push(entryOf(call, reply));
      const { title, content, version } = reply.body;
      const found = (state?: Written) =>
        state && state.title === title && state.content === content && state.version === version;
      if (!found(answered) && !found(open)) {
        differences.push(`answered at version ${answered.version}, found at ${version ?? reply.status}: memory ${id}`);
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  agent.destroy();
  return entries;
}

function countAnswers(entries: readonly Entry[]): Record<string, number> {
  const count = (fits: (entry: Entry) => boolean) => entries.filter(fits).length;
  const done = (entry: Entry) => entry.status === entry.expected && !entry.replayed;
  return {
    'REST answers': count(({ transport, status }) => transport === 'rest' && status !== undefined),
    'MCP answers': count(({ transport, status }) => transport === 'mcp_http' && status !== undefined),
    'creates answered': count((entry) => done(entry) && entry.operation === 'memories.create' && entry.status === 201),
    'updates answered': count((entry) => done(entry) && entry.operation === 'memories.update'),
    'refusals answered': count((entry) => done(entry) && entry.expected >= 400),
    'answers replayed': count(({ replayed }) => replayed === true),
    'answers 503': count(({ status }) => status === 503),
    'calls without an answer': count(({ status }) => status === undefined),
  };
}
