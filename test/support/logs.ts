import { appendFileSync, mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * The logs of the services that a test run starts in its processes. They are kept in files until the end of the run, and searched for
 * what a log must never contain.
 */

/** Forms of secrets and of personal data: API keys, tokens of sessions and links, e-mail addresses. */
const FORBIDDEN: Record<string, RegExp> = {
  'an API key': /wm_[a-z0-9]+_[A-Za-z0-9]{32}/,
  'a token': /(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])/,
  'an e-mail address': /[\w.+-]+@[\w-]+\.[a-z]{2,}/i,
};
/** Shorter texts may occur by chance. */
const TEXT_CHARACTERS_MIN = 16;
const TEXTS_MAX = 500;

const texts = new Set<string>();
let services = 0;

/** Returns the path of the log of a new service in this process. */
export function newLogFile(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return join(folder, `${process.pid}-${services++}.log`);
}

/**
 * Remembers the texts of a request body that a test sent, up to {@link TEXTS_MAX} a process. Of several words: one word may be a file
 * name, which a stack has too.
 */
export function rememberTexts(body: unknown): void {
  if (typeof body !== 'object' || body === null || texts.size >= TEXTS_MAX) return;
  for (const field of ['content', 'title', 'query']) {
    const text = (body as Record<string, unknown>)[field];
    if (typeof text === 'string' && text.length >= TEXT_CHARACTERS_MIN && text.includes(' ')) {
      texts.add(text.slice(0, 200));
    }
  }
}

/** Writes the remembered texts beside the logs. */
export function saveTexts(folder: string): void {
  if (texts.size === 0) return;
  appendFileSync(join(folder, `${process.pid}.texts`), [...texts].map((text) => `${JSON.stringify(text)}\n`).join(''));
  texts.clear();
}

/** Returns what the logs in a folder contain and must not, each with its line. */
export async function findInLogs(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  const lines = new Set<string>();
  const sent = new Set<string>();
  for (const file of files) {
    const all = (await read(file)).split('\n').filter(Boolean);
    if (file.endsWith('.texts')) for (const text of all) sent.add(JSON.parse(text));
    else for (const line of all) lines.add(withoutIds(line));
  }
  return findForbidden([...lines], [...sent]);
}

/** Returns the forbidden contents of log lines. */
export function findForbidden(lines: readonly string[], sent: readonly string[]): string[] {
  const found = lines.flatMap((line) =>
    Object.entries(FORBIDDEN)
      .filter(([, pattern]) => pattern.test(line))
      .map(([name]) => `${name}: ${line}`),
  );
  const all = lines.join('\n');
  // As JSON has it: with its quotes and line breaks escaped.
  const leaked = sent.filter((text) => all.includes(JSON.stringify(text).slice(1, -1)));
  return [...found, ...leaked.map((text) => `a text that a test sent: ${text}`)];
}

/** Replaces ids, times and numbers, so that lines of one kind are one line. */
function withoutIds(line: string): string {
  return line
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replace(/"(time|duration_ms|request_id)":("[^"]*"|[\d.]+)/g, '"$1":0');
}
