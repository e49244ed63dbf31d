import { type Draft, type Format, firstText, restOf } from '../draft.ts';
import { splitFrontMatter } from '../front-matter.ts';
import { isObject } from '../record.ts';

/** Names of front matter values that become fields. */
const FIELDS = {
  title: ['title', 'name'],
  created_at: ['created_at', 'created', 'date'],
  updated_at: ['updated_at', 'updated', 'modified'],
} as const;
const KNOWN = [
  ...Object.values(FIELDS).flat(),
  'id',
  'tags',
  'type',
  'project',
  'session_id',
  'occurred_at',
  'expires_at',
  'status',
  'metadata',
];
/** A tag in an observation of basic-memory: `- [decision] We deploy on Fridays #ops`. */
const OBSERVATION = /^[ \t]*- \[[^\]\n]{2,}\] .*$/gm;
const HASHTAG = /(?<=\s)#([\p{L}\p{N}_/-]{1,100})/gu;

/**
 * Markdown files: WhiteMagic's and basic-memory's with front matter, Claude Code's `CLAUDE.md` and memory folders, Cursor's rules, and
 * any others. A record is a file with `path` and `content`.
 */
export const markdown: Format = {
  name: 'markdown',
  matches: (record) => typeof record.path === 'string' && typeof record.content === 'string',
  parse(value) {
    const { path, content } = value as Record<string, unknown>;
    if (typeof path !== 'string' || typeof content !== 'string') {
      return { kind: 'rejected', why: 'path, content: required' };
    }
    const { values, body } = splitFrontMatter(content);
    if (body.trim() === '') return { kind: 'rejected', what: path, why: 'the file has no text' };
    return { kind: 'draft', draft: toDraft(path, values, body) };
  },
};

function toDraft(path: string, values: Record<string, unknown>, body: string): Draft {
  const { type, status, metadata: given } = values;
  const isOurType = type === 'short_term' || type === 'long_term';
  const metadata = {
    path,
    ...restOf(values, KNOWN),
    // Of other tools: note (basic-memory), feedback (Claude Code).
    ...(type !== undefined && type !== null && !isOurType && { kind: type }),
    ...(isObject(given) && given),
  };
  return {
    id: values.id,
    // A Cursor rule has no title, but a description.
    title: firstText(values, [...FIELDS.title, ...(path.endsWith('.mdc') ? ['description'] : [])]),
    content: body,
    tags: [...listOf(values.tags), ...observationTags(body)],
    type: isOurType ? type : undefined,
    status: status === 'archived' ? 'archived' : 'active',
    project: values.project ?? undefined,
    session_id: values.session_id ?? undefined,
    occurred_at: values.occurred_at ?? undefined,
    expires_at: values.expires_at ?? undefined,
    created_at: FIELDS.created_at.map((key) => values[key]).find((value) => value !== undefined && value !== null),
    updated_at: FIELDS.updated_at.map((key) => values[key]).find((value) => value !== undefined && value !== null),
    metadata,
  };
}

function listOf(tags: unknown): unknown[] {
  if (Array.isArray(tags)) return tags.filter((tag) => tag !== null).map(String);
  return typeof tags === 'string' ? tags.split(',') : [];
}

function observationTags(body: string): string[] {
  const lines = body.match(OBSERVATION) ?? [];
  return [...new Set(lines.flatMap((line) => [...line.matchAll(HASHTAG)].map(([, tag]) => tag as string)))];
}
