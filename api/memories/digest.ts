import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemoryHead } from '../../db/queries/memories/heads.ts';
import { LIMITS } from '../contracts/fields.ts';
import { tokenize } from '../search/tokenizer.ts';
import { formatOccurrence } from './serialize-memory.ts';

/** A digest to be made: sources of one project about one subject. */
export interface Digest {
  id: string | null;
  title: string;
  project: string | null;
  sources: MemoryHead[];
}

/** Most characters of a digest. */
const DIGEST_CHARS_MAX = 4_000;
/** Most characters of a source that a digest quotes; the source itself is searched and read in full. */
const EXCERPT_CHARS_MAX = 1_500;
/** Characters of a source that are read: they decide its subject, and are quoted. */
export const SOURCE_CHARS = 2_000;
/** Similarity from which two memories are about one subject: a shared tag is worth 1, all words in common 1. */
const SIMILARITY_MIN = 0.2;
/** Sources that are compared with the groups in one turn of the event loop. */
const SOURCES_PER_TURN = 5;
/** Most tags that a title names. */
const TITLE_TAGS_MAX = 3;
const DIGEST_TAGS = ['consolidated', 'archive'];

/** Sources that are gathered in one digest, and the length of their texts in it. */
interface Group {
  sources: MemoryHead[];
  length: number;
}

/**
 * Divides sources among digests of a few kB: by project, then by subject, which is what their tags and rare words have in common.
 * Sources without a related one share digests in the order of their creation.
 */
export async function planDigests(now: Date, sources: readonly MemoryHead[]): Promise<Digest[]> {
  const title = `Consolidated Insights - ${now.toISOString().slice(0, 10)}`;
  const groups: { project: string | null; group: Group }[] = [];
  for (const [project, members] of groupByProject(sources)) {
    for (const group of await groupBySubject(members)) groups.push({ project, group });
  }
  return groups.map(({ project, group }) => ({
    id: null,
    title: groups.length === 1 ? title : `${title}: ${subjectOf(group)}`,
    project,
    sources: group.sources,
  }));
}

/** Returns the text of a digest: each source with its id, date, tags and text. */
export function digestContent({ sources }: Digest): string {
  return sources.map(describeSource).join('\n\n');
}

/** Returns the tags of a digest: its own, and those of its sources, most used first. */
export function digestTags({ sources }: Digest): string[] {
  return [...new Set([...DIGEST_TAGS, ...tagsByUse(sources)])].slice(0, LIMITS.tags);
}

function groupByProject(sources: readonly MemoryHead[]): Map<string | null, MemoryHead[]> {
  const projects = new Map<string | null, MemoryHead[]>();
  for (const source of sources) projects.set(source.project, [...(projects.get(source.project) ?? []), source]);
  return projects;
}

async function groupBySubject(sources: readonly MemoryHead[]): Promise<Group[]> {
  const words: Set<string>[] = [];
  for (const source of sources) {
    words.push(termsOfSource(source));
    if (words.length % SOURCES_PER_TURN === 0) await nextTurn();
  }
  const weights = rareWordWeights(words);
  const groups = new Set<Group>();
  const byTag = new Map<string, Set<Group>>();
  const byWord = new Map<string, Set<Group>>();
  for (const [index, source] of sources.entries()) {
    if (index % SOURCES_PER_TURN === 0) await nextTurn();
    const own = words[index] as Set<string>;
    const length = describeSource(source).length;
    const similarities = similarGroups(source, own, weights, { byTag, byWord });
    // In the order of the groups, of which the first of the most similar ones is taken.
    const related = [...groups]
      .filter((group) => group.length + length <= DIGEST_CHARS_MAX)
      .map((group) => ({ group, similarity: similarities.get(group) ?? 0 }))
      .filter(({ similarity }) => similarity >= SIMILARITY_MIN)
      .sort((a, b) => b.similarity - a.similarity)[0]?.group;
    const group = related ?? { sources: [], length: 0 };
    groups.add(group);
    addTo(group, source, length);
    addEach(byTag, source.tags, group);
    addEach(byWord, own, group);
  }
  return mergeSingles([...groups]);
}

function addEach(index: Map<string, Set<Group>>, keys: Iterable<string>, group: Group): void {
  for (const key of keys) {
    const found = index.get(key);
    if (found) found.add(group);
    else index.set(key, new Set([group]));
  }
}

function addTo(group: Group, source: MemoryHead, length: number): void {
  group.sources.push(source);
  group.length += length;
}

/** Gathers groups of one source, where no other is related, as long as they fit together. */
function mergeSingles(groups: readonly Group[]): Group[] {
  const merged: Group[] = [];
  let open: Group | undefined;
  for (const group of groups) {
    const [source] = group.sources;
    if (group.sources.length > 1 || !source) merged.push(group);
    else if (open && open.length + group.length <= DIGEST_CHARS_MAX) addTo(open, source, group.length);
    else {
      merged.push(group);
      open = group;
    }
  }
  return merged;
}

function termsOfSource({ title, content }: MemoryHead): Set<string> {
  return new Set([...tokenize(`${title}\n${content.slice(0, SOURCE_CHARS)}`)].map(({ term }) => term));
}

/** Weighs words that several sources share, by their inverse frequency: words in most sources say nothing about the subject. */
function rareWordWeights(words: readonly ReadonlySet<string>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const own of words) for (const word of own) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Map([...counts].map(([word, count]) => [word, Math.log(words.length / count)]));
}

/** Computes the similarity of a source to each group that has one of its tags or words. */
function similarGroups(
  { tags }: MemoryHead,
  words: ReadonlySet<string>,
  weights: ReadonlyMap<string, number>,
  { byTag, byWord }: { byTag: ReadonlyMap<string, Set<Group>>; byWord: ReadonlyMap<string, Set<Group>> },
): Map<Group, number> {
  const sums = new Map<Group, { tags: number; words: number }>();
  const sumsOf = (group: Group) => {
    const found = sums.get(group) ?? { tags: 0, words: 0 };
    sums.set(group, found);
    return found;
  };
  let all = 0;
  for (const tag of tags) for (const group of byTag.get(tag) ?? []) sumsOf(group).tags++;
  for (const word of words) {
    const weight = weights.get(word) ?? 0;
    all += weight;
    if (weight > 0) for (const group of byWord.get(word) ?? []) sumsOf(group).words += weight;
  }
  return new Map([...sums].map(([group, sum]) => [group, sum.tags + (all > 0 ? sum.words / all : 0)]));
}

/** Names the subject of a digest by the tags of its sources, or by the title of the first one. */
function subjectOf({ sources }: Group): string {
  const tags = tagsByUse(sources).slice(0, TITLE_TAGS_MAX);
  return tags.length > 0 ? tags.join(', ') : excerpt(sources[0]?.title ?? '', 80);
}

function tagsByUse(sources: readonly MemoryHead[]): string[] {
  const counts = new Map<string, number>();
  for (const { tags } of sources) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([tag]) => tag);
}

function describeSource(memory: MemoryHead): string {
  const lines = [
    `Date: ${formatOccurrence(memory) ?? memory.created_at.toISOString()}`,
    `Tags: ${memory.tags.join(', ') || 'none'}`,
    `Source: ${memory.id}`,
    ...(memory.superseded_by ? [`Superseded by: ${memory.superseded_by}`] : []),
    ...(memory.expires_at ? [`Expires: ${memory.expires_at.toISOString()}`] : []),
  ];
  return `## ${memory.title}\n\n${lines.join('\n')}\n\n${excerpt(memory.content, EXCERPT_CHARS_MAX)}`;
}

/** Cuts a text at a word, or at a character where there is no word to cut at. */
function excerpt(text: string, max: number): string {
  if (text.length <= max) return text;
  const cut = text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
  const words = cut.replace(/\s+\S*$/u, '');
  return `${words.length > max / 2 ? words : cut} …`;
}
