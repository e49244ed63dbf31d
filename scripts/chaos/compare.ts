import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
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
import { type Entry, isUnknown, type Written } from './log.ts';
import { type HttpResponse, sendRequest } from './send.ts';

/** Result of comparing the client's log with the database. */
export interface Comparison {
  counts: Record<string, number>;
  /** One line per difference, with the id concerned. Empty when nothing was lost, duplicated or changed. */
  differences: string[];
}

interface ComparisonInput {
  url: string;
  userId: string;
  apiKey: string;
  /** All calls ever made with the user's keys. A comparison appends its own reads. */
  entries: Entry[];
  /** Whether the service embeds memories: then each has vectors or is queued for them. */
  embeds: boolean;
}

const READERS = 8;
const USERS_MAX = 1_000;
const UNAVAILABLE_MS = 60_000;
const READ_AGAIN_MS = 200;

/**
 * Compares the responses that a client received with the database, event by event and memory by memory.
 * @param sql as the role that owns the tables
 */
export async function compare(sql: Sql, input: ComparisonInput): Promise<Comparison> {
  const { userId, entries } = input;
  const differences: string[] = [];
  const responses = countResponses(entries);
  entries.push(...(await readBack(input, expectedMemories(entries), differences)));
  const events = await listEvents(sql, userId);
  const recorded = compareEvents(entries, events, differences);

  const stored = await countStored(sql, userId);
  const countEvents = (operation: string, status: number) =>
    events.filter((event) => event.operation === operation && event.status === status).length;
  const expectEqual = (what: string, one: number, other: number) => {
    if (one !== other) differences.push(`${what}: ${one} and ${other}`);
  };
  expectEqual('memories and events of creates', stored.memories, countEvents('memories.create', 201));
  expectEqual('memories and their titles', stored.memories, stored.titles);
  expectEqual('changes of memories and events of updates', stored.changes, countEvents('memories.update', 200));
  for (const name of await listDailyDifferences(sql, userId)) differences.push(`daily totals and events: ${name}`);
  for (const { user_id, differs } of await compareQuotas(sql, NIL, USERS_MAX)) {
    if (differs) differences.push(`quota and actual usage: user ${user_id}`);
  }
  if (input.embeds) {
    for (const id of await listMissingFromEmbeddingQueue(sql, userId))
      differences.push(`no vectors and not queued: memory ${id}`);
  }
  return { counts: { ...responses, ...recorded, memories: stored.memories }, differences };
}

/**
 * Requires each event named in a response to be recorded once, as the call was, and no more other events than there
 * are calls without a response.
 */
function compareEvents(entries: readonly Entry[], events: readonly RecordedEvent[], differences: string[]) {
  const byId = new Map<string, RecordedEvent>();
  for (const event of events) {
    if (byId.has(event.id)) differences.push(`recorded twice: event ${event.id}`);
    byId.set(event.id, event);
  }
  const named = new Map<string, Entry>();
  for (const entry of entries) {
    const what = `${entry.transport} ${entry.operation} ${entry.status}`;
    if (entry.status === undefined) continue;
    if (entry.status !== entry.expected && entry.status !== 503) {
      differences.push(`responded ${what} instead of ${entry.expected}: event ${entry.event}`);
    }
    if (!entry.event) {
      if (entry.status !== 503) differences.push(`responded without an event: ${what}`);
      continue;
    }
    const first = named.get(entry.event);
    if (first && !isReplayOf(entry, first) && !isReplayOf(first, entry)) {
      differences.push(`two responses, one event: ${entry.event}`);
    }
    named.set(entry.event, entry);
    const event = byId.get(entry.event);
    if (!event) differences.push(`acknowledged and not recorded: ${what}, event ${entry.event}`);
    else if (!matchesEvent(event, entry)) {
      differences.push(
        `responded ${what}, recorded ${event.transport} ${event.operation} ${event.status}: ${event.id}`,
      );
    }
  }
  const unnamed = events.filter(({ id }) => !named.has(id));
  compareUnacknowledged(entries, unnamed, differences);
  return { 'recorded events': events.length, 'of which unacknowledged': unnamed.length };
}

/** A 503 may hide a commit whose confirmation was lost: then the event has the status of success. */
function matchesEvent({ transport, operation, status }: RecordedEvent, entry: Entry): boolean {
  if (transport !== entry.transport || operation !== entry.operation) return false;
  return status === entry.status || (entry.status === 503 && status === entry.expected);
}

function isReplayOf(entry: Entry, first: Entry): boolean {
  return (
    entry.replayed === true && entry.idempotencyKey === first.idempotencyKey && entry.memory?.id === first.memory?.id
  );
}

/** Requires each event that no response named to belong to a call without a response. */
function compareUnacknowledged(
  entries: readonly Entry[],
  unnamed: readonly RecordedEvent[],
  differences: string[],
): void {
  const remaining = new Map<string, number>();
  const nameOf = ({ transport, operation }: { transport: string; operation: string }) => `${transport} ${operation}`;
  for (const entry of entries) {
    if (isUnknown(entry) && !entry.event) remaining.set(nameOf(entry), (remaining.get(nameOf(entry)) ?? 0) + 1);
  }
  for (const event of unnamed) {
    const count = remaining.get(nameOf(event)) ?? 0;
    if (count === 0) differences.push(`recorded without a call: ${nameOf(event)}, event ${event.id}`);
    remaining.set(nameOf(event), count - 1);
  }
}

interface ExpectedMemory {
  acknowledged: Written;
  /** State of a later change whose outcome is unknown. */
  possible?: Written;
}

/** Returns the expected state of every memory that a response acknowledged, by id. */
function expectedMemories(entries: readonly Entry[]): Map<string, ExpectedMemory> {
  const expected = new Map<string, ExpectedMemory>();
  for (const { memory, ...entry } of entries) {
    if (!memory?.id) continue;
    const former = expected.get(memory.id);
    const succeeded = entry.status === entry.expected;
    // The replayed response of a create may describe an outdated state.
    if (succeeded && memory.version > (former?.acknowledged.version ?? 0)) {
      expected.set(memory.id, { acknowledged: memory });
    } else if (!succeeded && former) former.possible = memory;
  }
  return expected;
}

/** Reads every acknowledged memory by its id over REST. Returns the log of these calls. */
async function readBack(
  { url, apiKey }: ComparisonInput,
  expected: Map<string, ExpectedMemory>,
  differences: string[],
): Promise<Entry[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: READERS });
  const entries: Entry[] = [];
  const next = expected.entries();
  const reader = async () => {
    for (const [id, { acknowledged, possible }] of next) {
      const call = readCall(id);
      const response = await readUntilAvailable(
        () => sendRequest(agent, url, apiKey, call.request),
        (attempt) => entries.push(entryOf(call, attempt)),
      );
      const { title, content, version } = response.body;
      const isFound = (state?: Written) =>
        state && state.title === title && state.content === content && state.version === version;
      if (!isFound(acknowledged) && !isFound(possible)) {
        differences.push(
          `acknowledged at version ${acknowledged.version}, found at ${version ?? response.status}: memory ${id}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  agent.destroy();
  return entries;
}

/**
 * Repeats a read while the service responds with 503, as a client does: on a busy machine it may lose its database once
 * more after a fault. Gives up after a minute and returns the last response.
 * @param onResponse called with every response
 */
async function readUntilAvailable(
  read: () => Promise<HttpResponse>,
  onResponse: (response: HttpResponse) => void,
): Promise<HttpResponse> {
  const deadline = performance.now() + UNAVAILABLE_MS;
  for (;;) {
    const response = await read();
    onResponse(response);
    if (response.status !== 503 || performance.now() > deadline) return response;
    await delay(READ_AGAIN_MS);
  }
}

function countResponses(entries: readonly Entry[]): Record<string, number> {
  const count = (fits: (entry: Entry) => boolean) => entries.filter(fits).length;
  const succeeded = (entry: Entry) => entry.status === entry.expected && !entry.replayed;
  return {
    'REST responses': count(({ transport, status }) => transport === 'rest' && status !== undefined),
    'MCP responses': count(({ transport, status }) => transport === 'mcp_http' && status !== undefined),
    'creates acknowledged': count(
      (entry) => succeeded(entry) && entry.operation === 'memories.create' && entry.status === 201,
    ),
    'updates acknowledged': count((entry) => succeeded(entry) && entry.operation === 'memories.update'),
    'expected errors': count((entry) => succeeded(entry) && entry.expected >= 400),
    'responses replayed': count(({ replayed }) => replayed === true),
    'responses with 503': count(({ status }) => status === 503),
    'calls without a response': count(({ status }) => status === undefined),
  };
}
