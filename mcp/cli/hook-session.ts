import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Cli } from './cli.ts';
import { configFolder, type Host } from './folders.ts';

/** Input of a hook from stdin, whose field names differ by client. */
export interface HookInput {
  session: string;
  /** Folder of the session. */
  cwd?: string;
  /** Why a session begins: `startup`, `resume`, `clear` or `compact`. */
  source?: string;
  /** File with the conversation. */
  transcript?: string;
  /** True when the model stops after the hook has asked it something. */
  isAnswer: boolean;
}

/** Replies of the model before it is asked for the first time, and between two questions. */
const FIRST = 5;
const BETWEEN = 15;
const QUESTIONS_MAX = 3;
const KEPT_MS = 7 * 86_400_000;
const TAIL_BYTES = 262_144;
/** A call of the tool in the conversation as Claude Code and its relatives write it. */
const STORED = /"name":\s*"mcp_+[\w-]*whitemagic[\w-]*_create_memory"/;

/** Reads what the client passes to the hook. What is missing or unreadable is left out. */
export async function readHookInput({ input }: Pick<Cli, 'input'>): Promise<HookInput> {
  let given: Record<string, unknown> = {};
  try {
    given = JSON.parse((await input?.()) || '{}') as Record<string, unknown>;
  } catch {
    // Another form than JSON.
  }
  const text = (...names: string[]) => names.map((name) => given[name]).find((value) => typeof value === 'string');
  const roots = Array.isArray(given.workspace_roots) ? given.workspace_roots : [];
  const [cwd, source] = [text('cwd') ?? roots.find((root) => typeof root === 'string'), text('source', 'trigger')];
  const transcript = text('transcript_path');
  return {
    session: text('session_id', 'conversation_id') ?? '',
    ...(cwd !== undefined && { cwd }),
    ...(source !== undefined && { source }),
    ...(transcript !== undefined && { transcript }),
    isAnswer: given.stop_hook_active === true || Number(given.loop_count) > 0,
  };
}

/**
 * Decides whether the model is asked what to keep: after five replies of a session, then after each fifteen, three times at most, and not
 * while it stores by itself. The counts of a session are in a file, which is deleted after a week.
 */
export function isTimeToAsk(host: Host, { session, transcript, isAnswer }: HookInput, now = Date.now()): boolean {
  if (isAnswer || session === '') return false;
  const folder = join(configFolder(host), 'sessions');
  const path = join(folder, createHash('sha256').update(session).digest('hex').slice(0, 32));
  const [replies, questions] = readCounts(path);
  const isDue = questions < QUESTIONS_MAX && replies + 1 >= (questions === 0 ? FIRST : BETWEEN);
  // A memory that the model stored unasked counts like a question.
  const isStoring = isDue && transcript !== undefined && STORED.test(tail(transcript));
  if (replies === 0 && questions === 0) prune(folder, now);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path, isDue ? `0 ${questions + 1}` : `${replies + 1} ${questions}`, { mode: 0o600 });
  return isDue && !isStoring;
}

/** Returns the replies since the last question, and the questions. */
function readCounts(path: string): [number, number] {
  try {
    const [replies = 0, questions = 0] = readFileSync(path, 'utf8').split(' ').map(Number);
    return [replies || 0, questions || 0];
  } catch {
    return [0, 0];
  }
}

function prune(folder: string, now: number): void {
  try {
    for (const name of readdirSync(folder)) {
      if (now - statSync(join(folder, name)).mtimeMs > KEPT_MS) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // The folder does not exist yet.
  }
}

/** Reads the end of a file, empty for one that cannot be read. */
function tail(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
