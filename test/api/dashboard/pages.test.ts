import { beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  type Page,
  type ReadPages,
  readFirst,
  recordAct,
  refresh,
} from '../../../api/dashboard/src/api/pages.ts';

const SIZE = 3;
const LIST = 'memories.list';

/** Names of the items of a list that the service would return, in order. */
let stored: string[];
let reads: (string | undefined)[];

/** Returns the page after a cursor, which is the last item before it, whether or not that is still there. */
async function readOne(cursor: string | undefined): Promise<Page> {
  reads.push(cursor);
  const rest = stored.filter((id) => cursor === undefined || id > cursor);
  const results = rest.slice(0, SIZE).map((id) => ({ id }));
  return { results, next_cursor: rest.length > SIZE ? (results.at(-1)?.id ?? null) : null };
}

async function readAll(): Promise<ReadPages<Page>> {
  let pages = await readFirst(readOne);
  for (let cursor = endOf(pages); cursor; cursor = endOf(pages)) {
    pages = append(pages, cursor, await readOne(cursor)) as ReadPages<Page>;
  }
  reads = [];
  return pages;
}

const endOf = (pages: ReadPages<Page>) => pages.read.at(-1)?.output.next_cursor;
const idsOf = (pages: ReadPages<Page>) =>
  pages.read.flatMap(({ output }) => output.results.map((item) => (item as { id: string }).id));
const again = (pages: ReadPages<Page>) => refresh(LIST, pages, readOne, () => pages);

beforeEach(() => {
  stored = [...'bdfhjlnprtvx'];
  reads = [];
});

describe('pages of a list that is read again', () => {
  it('are kept, and only the first one is requested', async () => {
    const pages = await again(await readAll());
    expect(reads).toEqual([undefined]);
    expect(idsOf(pages)).toEqual(stored);
  });

  it.each([
    ['in the first page', 'd', [undefined]],
    ['at the end of a page', 'l', [undefined, 'f']],
    ['at the beginning of a page', 'n', [undefined, 'l']],
    ['in the last page', 'x', [undefined, 'r']],
  ])('lack an item that was removed %s, and have it again after an undo', async (_where, id, requested) => {
    const before = await readAll();
    const all = stored;
    stored = all.filter((one) => one !== id);
    recordAct([LIST], { id }, { id, status: 'archived' });
    const removed = await again(before);
    expect(reads).toEqual(requested);
    expect(idsOf(removed)).toEqual(stored);
    stored = all;
    reads = [];
    recordAct([LIST], { id }, { id });
    const undone = await again(removed);
    expect(reads).toEqual(requested);
    expect(idsOf(undone)).toEqual(stored);
    expect(endOf(undone)).toBeNull();
  });

  it('have items that were added and removed elsewhere at their beginning', async () => {
    const before = await readAll();
    stored = ['a', 'c', ...stored.slice(1)];
    const pages = await again(before);
    expect(idsOf(pages)).toEqual(stored);
    expect(reads).toEqual([undefined]);
  });

  it('end where the service says that the list ends', async () => {
    const before = await readAll();
    stored = ['b', 'd'];
    expect(idsOf(await again(before))).toEqual(['b', 'd']);
  });

  it('begin anew when a change is in none of them', async () => {
    const before = await readAll();
    stored = [...stored, 'm'].sort();
    recordAct([LIST], { id: 'm' }, { id: 'm' });
    const pages = await again(before);
    expect(idsOf(pages)).toEqual(['b', 'd', 'f']);
    expect(endOf(pages)).toBe('f');
  });

  it('are not concerned by a dry run, nor by an act that changes other lists', async () => {
    const before = await readAll();
    recordAct([LIST], {}, { changed: ['n'], dry_run: true });
    recordAct(['keys.list'], { id: 'n' }, undefined);
    expect(idsOf(await again(before))).toEqual(stored);
    expect(reads).toEqual([undefined]);
  });

  it('are requested once each for a bulk change, however many items it names', async () => {
    const before = await readAll();
    stored = stored.filter((id) => !'hjn'.includes(id));
    recordAct([LIST], { action: 'archive' }, { changed: ['h', 'j', 'n'], dry_run: false });
    expect(idsOf(await again(before))).toEqual(stored);
    expect(reads).toEqual([undefined, 'f', 'l']);
  });

  it('keep a page that was added while they were read', async () => {
    const first = await readFirst(readOne);
    const more = append(first, 'f', await readOne('f')) as ReadPages<Page>;
    const pages = await refresh(LIST, first, readOne, () => more);
    expect(idsOf(pages)).toEqual([...'bdfhjl']);
    expect(append(pages, 'f', await readOne('f'))).toBe(pages);
  });
});
