import type { ClientId } from './client-ids.ts';
import type { Edit, Folders, Json } from './edits.ts';

/** Events of a session: it begins, it is about to be shortened, the model has replied. */
export const HOOK_EVENTS = ['session-start', 'pre-compact', 'stop'] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** Seconds after which a client ends the hook. */
const TIMEOUT_SECONDS = 10;

/** How a client runs hooks. */
interface Hooks {
  file(folders: Folders): string;
  /** The client's names of the events that it has. */
  events: Partial<Record<HookEvent, string>>;
  /** Returns the entry of one event. */
  entry(command: string): Json;
  /** Values that the file needs beside the hooks. */
  also?: { at: string[]; value: Json }[];
}

/** The clients that have hooks. Others get the lines of `--rules`. */
export const HOOKS: { [id in ClientId]?: Hooks } = {
  'claude-code': {
    file: ({ home, env }) => `${env('CLAUDE_CONFIG_DIR') ?? `${home}/.claude`}/settings.json`,
    events: { 'session-start': 'SessionStart', 'pre-compact': 'PreCompact', stop: 'Stop' },
    entry: (command) => ({ hooks: [{ type: 'command', command, timeout: TIMEOUT_SECONDS }] }),
  },
  codex: {
    file: ({ home, env }) => `${env('CODEX_HOME') ?? `${home}/.codex`}/hooks.json`,
    events: { 'session-start': 'SessionStart', stop: 'Stop' },
    entry: (command) => ({ hooks: [{ type: 'command', command, timeout: TIMEOUT_SECONDS }] }),
  },
  gemini: {
    file: ({ home }) => `${home}/.gemini/settings.json`,
    events: { 'session-start': 'SessionStart', stop: 'AfterAgent' },
    // Its time is in milliseconds.
    entry: (command) => ({
      hooks: [{ type: 'command', name: 'whitemagic', command, timeout: TIMEOUT_SECONDS * 1_000 }],
    }),
  },
  cursor: {
    file: ({ home }) => `${home}/.cursor/hooks.json`,
    events: { 'session-start': 'sessionStart', stop: 'stop' },
    entry: (command) => ({ command, timeout: TIMEOUT_SECONDS }),
    also: [{ at: ['version'], value: 1 }],
  },
};

/**
 * Returns the edits that add the hooks to a client, empty for one that has none.
 * @param program command line that starts this program, quoted for a shell
 */
export function hookEdits(id: ClientId, folders: Folders, program: string): Edit[] {
  const hooks = HOOKS[id];
  if (!hooks) return [];
  const file = hooks.file(folders);
  const also = (hooks.also ?? []).map(
    ({ at, value }): Edit => ({ kind: 'set', format: 'json', file, at, value, isKept: true }),
  );
  const edits = Object.entries(hooks.events).map(
    ([event, name]): Edit => ({
      kind: 'items',
      file,
      at: ['hooks', name],
      items: [hooks.entry(`${program} hook ${event} --client ${id}`)],
      isOurs: isOurHook,
      replacesOurs: true,
    }),
  );
  return [...also, ...edits];
}

/** Recognizes an entry that this program has written, wherever the program was then. */
function isOurHook(item: unknown): boolean {
  return /whitemagic[^"]*"? hook (session-start|pre-compact|stop) --client /.test(
    JSON.stringify(item).replaceAll('\\"', '"'),
  );
}
