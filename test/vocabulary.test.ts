import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** A word that the project does not use, the word to use instead, and lines in which it is right after all. */
interface RetiredWord {
  pattern: RegExp;
  use: string;
  unless?: RegExp;
}

/**
 * Patterns match a line in lower case whose identifiers are split into words (`tellOwner` reads `tell owner`), so each
 * holds for identifiers, comments, test titles and user-facing texts alike. The glossary is `docs/glossary.md`.
 */
const RETIRED: RetiredWord[] = [
  // The names that a migration replaced.
  { pattern: /\bdoors?\b/, use: 'transport', unless: /rename door to transport|'door'|%door%/ },
  { pattern: /\bgates\b/, use: 'pipeline' },
  { pattern: /\b(refus(e|es|al|als|ing))\b/, use: 'reject, error' },
  {
    pattern: /\brefused\b/,
    use: 'rejected',
    unless: /connection (is |was )?refused|econn ?refused|refused connection/,
  },
  { pattern: /\bvisitors?\b|\bvisits\b/, use: 'browser session, browser sign-in' },
  { pattern: /\bbuyers?\b/, use: 'customer' },
  { pattern: /\bcondemn(ed|s)?\b/, use: 'schedule the purge' },
  { pattern: /\bhealed\b/, use: 'repaired' },
  { pattern: /\blanes?\b/, use: 'semaphore, queue key' },
  { pattern: /\balike\b/, use: 'near-duplicate, or "both"' },
  { pattern: /\btwins?\b/, use: 'exact duplicate' },
  { pattern: /\bneighbours?\b/, use: 'adjacent memories' },
  { pattern: /\bpriors\b/, use: 'ranking boosts' },
  { pattern: /\bformers\b/, use: 'previous models' },
  { pattern: /\bas owner\b/, use: 'role: \'admin\', or "as the owner role"', unless: /as owner of|\) as owner,/ },
  { pattern: /\bcatalogues?\b/, use: 'registry, system catalog' },
  { pattern: /\brecount(s|ed|ing)?\b/, use: 'reconcile, reconciliation' },
  { pattern: /\bfences?\b/, use: 'delimiter' },
  { pattern: /\brehears(ed|al|e)\b/, use: 'dry run' },
  {
    pattern: /\btells? (the )?(owner|of)\b|\b(is|are|was|were) told\b|\btold (of|by|apart)\b/,
    use: 'notify, report, return',
  },
  { pattern: /^\s*\/\*\* (what|who|how many|how often) /, use: 'a sentence that says what the thing is or does' },
  {
    pattern: /\bwho(so)?ever\b|\bsomebody\b|\bnobody\b/,
    use: 'name the actor',
    // The system user.
    unless: /'nobody'/,
  },
  { pattern: /\bnone of ours\b|\bfrom when on\b/, use: 'say it plainly' },
  { pattern: /\brooms?\b|\bhouse\b/, use: 'folder, remaining tokens', unless: /\bin-?house\b/ },
  { pattern: /\bliteral(ly)? alike\b/, use: 'equal' },
  {
    pattern: /\bsettled point\b|\bfacts\/|\bissue line\b/,
    use: 'the fact itself: the source is not in this repository',
  },
  {
    pattern: /\b(authoris|normalis|serialis|recognis|organis|summaris|initialis|optimis|synchronis)/,
    use: '-ize (American spelling)',
  },
];

/** Matches the files that are checked: sources, tests, docs and legal texts. Migrations, their schema and decision records are not. */
const READ = /^(api|db|mcp|scripts|test|legal|docs|README\.md|CONTRIBUTING\.md|SECURITY\.md|CHANGELOG\.md)/;
const NOT_READ =
  /^(db\/migrations\/|db\/schema\/schema\.sql|docs\/decisions\/|docs\/glossary\.md|test\/vocabulary\.test\.ts|test\/eval\/|api\/embeddings\/local\/model\/)|\.snap$/;
const TEXT = /\.(ts|tsx|mjs|md|css|html|sql|json)$/;

/** A line as words: `camelCase`, `snake_case` and `kebab-case` are taken apart, all in lower case. */
function words(line: string): string {
  return line
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/(?<=\w)[_-](?=\w)/g, ' ')
    .toLowerCase();
}

function findRetired(text: string): { line: number; text: string; use: string }[] {
  return text.split('\n').flatMap((line, index) => {
    const plain = words(line);
    return RETIRED.filter(({ pattern, unless }) => pattern.test(plain) && !unless?.test(plain)).map(({ use }) => ({
      line: index + 1,
      text: line.trim(),
      use,
    }));
  });
}

describe('vocabulary', () => {
  it('finds retired words in identifiers, comments and texts', () => {
    const found = findRetired(
      "const tellOwner = 1;\n// Whoever asks.\nit('refuses a door', () => {});\nconst fine = true;",
    );
    expect(found.map(({ line }) => line)).toEqual([1, 2, 3, 3]);
  });

  it('finds none in the project', () => {
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((file) => READ.test(file) && TEXT.test(file) && !NOT_READ.test(file));
    expect(files.length).toBeGreaterThan(100);
    const found = files.flatMap((file) =>
      findRetired(readFileSync(join(ROOT, file), 'utf8')).map(
        ({ line, text, use }) => `${file}:${line}: ${text.slice(0, 100)} → ${use}`,
      ),
    );
    expect(found).toEqual([]);
  });
});
