import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import type { Json } from '../../support/client.ts';
import { type OpenDashboard, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let service: TestService;
let browser: Browser;
let user: TestUser;
let open: OpenDashboard;

beforeAll(async () => {
  service = await startTestService();
  if (hasBrowser) browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await service.stop();
});

/** Stores memories for a new user and opens the dashboard at a path. Returns the ids. */
async function start(memories: object[], path: (ids: string[]) => string = () => '/memories'): Promise<string[]> {
  user = await service.newUser();
  const ids: string[] = [];
  for (const memory of memories) ids.push((await user.api.post('/memories', memory)).body.id);
  open = await openDashboard(browser, service, user.userId, { path: path(ids) });
  return ids;
}

async function finish(): Promise<void> {
  expect(open.problems).toEqual([]);
  await open.context.close();
}

/** Stores memories for a new user, "Memory 1" the newest, without calls. */
async function fill(count: number): Promise<void> {
  user = await service.newUser();
  await service.service.database.owner.query(
    `insert into memories (user_id, id, type, status, title, content, content_hash, size_bytes, created_at, updated_at)
      select $1, ('019ab0c0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'short_term', 'active', 'Memory ' || n,
        'Text ' || n, sha256(n::text::bytea), 20, now() - n * interval '1 minute', now() - n * interval '1 minute'
      from generate_series(1, $2::int) n`,
    [user.userId, count],
  );
}

const note = (title: string, more: object = {}) => ({ title, content: `About ${title.toLowerCase()}.`, ...more });
const read = async (id: string | undefined): Promise<Json> => (await user.api.get(`/memories/${id}`)).body;
const row = (page: Page, title: string) => page.locator('.memory-row', { hasText: title });
const select = (page: Page, title: string) => row(page, title).locator('.checkbox').click();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const undo = async (page: Page) => {
  await button(page, 'Undo').click();
  const undone = page.getByRole('alertdialog').filter({ hasText: 'Undone' });
  await undone.getByRole('button', { name: 'Close' }).click();
  await undone.waitFor({ state: 'detached' });
};

describe.skipIf(!hasBrowser)('memories screen', () => {
  it('opens a memory that is chosen before typing pauses, however long its screen takes to load', async () => {
    await start([note('Deploys'), note('Lunch')]);
    const { page } = open;
    let delayed = 0;
    await page.route(/\/assets\/memory-screen.*\.js/, async (route) => {
      delayed++;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await route.continue();
    });
    await page.getByRole('searchbox', { name: 'Search memories' }).fill('deploys');
    await page.getByRole('link', { name: 'Deploys' }).first().click();
    await page.getByRole('heading', { name: 'Deploys' }).waitFor();
    await button(page, 'Edit').waitFor();
    expect(delayed).toBe(1);
    await finish();
  });

  it('searches, says why each hit is there, and keeps query and filters in the URL', async () => {
    await start([
      note('Deploys', { content: 'We deploy on Fridays.', tags: ['ops'], project: 'shop' }),
      note('Lunch', { content: 'The canteen is closed on Fridays.' }),
    ]);
    const { page } = open;
    await page.getByRole('searchbox', { name: 'Search memories' }).fill('deploy fridays');
    const hits = page.getByRole('list', { name: 'Search results' });
    await hits.getByText('Contains').first().waitFor();
    expect(await hits.locator('.memory-row-title').allTextContents()).toEqual(['Deploys', 'Lunch']);
    expect(await hits.locator('.hit-reasons').first().textContent()).toContain('Contains deploy, fridays');
    expect(await hits.locator('mark').first().textContent()).toBe('deploy');
    await button(page, 'Filter').click();
    await page.getByRole('combobox', { name: 'Tags' }).fill('op');
    await page.getByRole('option', { name: 'ops' }).click();
    await button(page, 'Done').click();
    await button(page, 'Remove filter Tag: ops').waitFor();
    await page.reload();
    await button(page, 'Remove filter Tag: ops').waitFor();
    await hits.waitFor();
    expect(await hits.locator('.memory-row-title').allTextContents()).toEqual(['Deploys']);
    expect(await page.getByRole('searchbox', { name: 'Search memories' }).inputValue()).toBe('deploy fridays');
    await finish();
  });

  it('filters by metadata and project, and lists nothing with a way back', async () => {
    await start([
      note('Bug', { metadata: { source: { kind: 'bug' }, priority: 3 }, project: 'shop' }),
      note('Idea', { metadata: { source: { kind: 'idea' } } }),
    ]);
    const { page } = open;
    await row(page, 'Idea').waitFor();
    await button(page, 'Filter').click();
    await page.getByRole('textbox', { name: 'Path' }).fill('source.kind');
    await page.getByRole('textbox', { name: 'Value' }).fill('bug');
    await button(page, 'Add').click();
    await button(page, 'Done').click();
    await row(page, 'Idea').waitFor({ state: 'detached' });
    expect(await page.locator('.memory-row-title').allTextContents()).toEqual(['Bug']);
    await page.goto(`${service.url}/app/memories?project=other`);
    await page.getByText('No memories match').waitFor();
    await button(page, 'Clear search and filters').click();
    await row(page, 'Idea').waitFor();
    await finish();
  });

  it('is used by keyboard: search, move, open, edit, close', async () => {
    await start([note('Third'), note('Second'), note('First')]);
    const { page } = open;
    await row(page, 'First').waitFor();
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement?.tagName')).toBe('INPUT');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('k');
    expect(await page.locator('.memory-row.current .memory-row-title').textContent()).toBe('Second');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Second', level: 1 }).waitFor();
    await page.keyboard.press('e');
    await page.getByRole('form', { name: 'Edit memory' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('region', { name: 'History' }).waitFor();
    await page.keyboard.press('Escape');
    await row(page, 'First').waitFor();
    expect(new URL(page.url()).pathname).toBe('/app/memories');
    await finish();
  });

  it('previews a bulk change, runs it on confirmation, and undoes it', async () => {
    const [one, two, three] = await start([note('One', { project: 'a' }), note('Two'), note('Three')]);
    const { page } = open;
    await row(page, 'Three').waitFor();
    await select(page, 'One');
    await select(page, 'Two');
    await button(page, 'Archive').click();
    await page.getByText('2 memories would change.').waitFor();
    expect((await read(one)).status).toBe('active');
    await button(page, 'Archive 2 memories').click();
    await page.getByText('2 memories archived').waitFor();
    expect([(await read(one)).status, (await read(two)).status, (await read(three)).status]).toEqual([
      'archived',
      'archived',
      'active',
    ]);
    await undo(page);
    await row(page, 'One').waitFor();
    expect([(await read(one)).status, (await read(two)).status]).toEqual(['active', 'active']);

    await select(page, 'One');
    await select(page, 'Two');
    await button(page, 'More acts on the selection').click();
    await page.getByRole('menuitem', { name: 'Move to project' }).click();
    await page.getByRole('textbox', { name: 'Project' }).fill('new');
    await button(page, 'Move 2 memories').click();
    await page.getByText('2 memories moved').waitFor();
    expect([(await read(one)).project, (await read(two)).project]).toEqual(['new', 'new']);
    await undo(page);
    expect([(await read(one)).project, (await read(two)).project]).toEqual(['a', null]);

    await select(page, 'One');
    await button(page, 'Select all 3').click();
    await button(page, 'More acts on the selection').click();
    await page.getByRole('menuitem', { name: 'Move to project' }).click();
    await page.getByRole('textbox', { name: 'Project' }).fill('new');
    await button(page, 'Move 3 memories').click();
    await page.getByText('3 memories moved').waitFor();
    await undo(page);
    expect([(await read(one)).project, (await read(two)).project, (await read(three)).project]).toEqual([
      'a',
      null,
      null,
    ]);

    await select(page, 'One');
    await button(page, 'Select all 3').click();
    await button(page, 'Add tag').click();
    await page.getByRole('combobox', { name: 'Tag' }).fill('Mine');
    await page.keyboard.press('Enter');
    await button(page, 'Add to 3 memories').click();
    await page.getByText('3 memories tagged').waitFor();
    expect((await read(three)).tags).toEqual(['mine']);
    await undo(page);
    expect((await read(three)).tags).toEqual([]);
    await finish();
  });

  it('scrolls through ten thousand memories with few elements', async () => {
    await fill(10_000);
    open = await openDashboard(browser, service, user.userId, { path: '/memories' });
    const { page } = open;
    await row(page, 'Memory 1').first().waitFor();
    let most = 0;
    let reached = 0;
    for (let turn = 0; turn < 200 && reached < 2_000; turn++) {
      await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)');
      await page.waitForTimeout(50);
      const positions = await page
        .locator('.virtual-rows > li')
        .evaluateAll((rows) => rows.map((one) => Number(one.getAttribute('aria-posinset'))));
      most = Math.max(most, positions.length);
      reached = Math.max(reached, ...positions);
    }
    expect(reached).toBeGreaterThanOrEqual(2_000);
    expect(most).toBeLessThan(60);
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(1_500);
    await finish();
  });

  it('reads only the first page and that of the change again in a list of several pages', async () => {
    await fill(1_100);
    open = await openDashboard(browser, service, user.userId, { path: '/memories' });
    const { page } = open;
    const reads: (string | null)[] = [];
    page.on('request', (request) => {
      const url = new URL(request.url());
      const isList = request.method() === 'GET' && url.pathname === '/api/v1/memories';
      if (isList) reads.push(url.searchParams.get('cursor'));
    });
    const scrollTo = async (title: string, index: number) => {
      await expect
        .poll(async () => {
          await page.evaluate(`window.scrollTo(0, ${index * 92})`);
          return row(page, title).count();
        })
        .toBe(1);
    };
    const titles = async (from: number, to: number) => {
      const shown = await page
        .locator('.virtual-rows > li')
        .evaluateAll((items) =>
          items.map((item): [number, string] => [
            Number(item.getAttribute('aria-posinset')),
            item.querySelector('.memory-row-title')?.textContent ?? '',
          ]),
        );
      return shown.filter(([position]) => position >= from && position <= to).sort((one, other) => one[0] - other[0]);
    };
    const total = (text: string) => page.locator('.lead', { hasText: text }).waitFor();
    await total('1,100 memories.');
    for (const loaded of [200, 400, 600, 800, 1_000]) await scrollTo(`Memory ${loaded}`, loaded);
    await scrollTo('Memory 500', 500);
    reads.length = 0;

    await row(page, 'Memory 500').locator('.checkbox').click();
    await button(page, 'Archive').click();
    await button(page, 'Archive 1 memory').click();
    await total('1,099 memories.');
    await row(page, 'Memory 500').waitFor({ state: 'detached' });
    expect(await titles(499, 501)).toEqual([
      [499, 'Memory 499'],
      [500, 'Memory 501'],
      [501, 'Memory 502'],
    ]);
    expect(reads.length).toBe(2);
    expect(reads).toContain(null);
    reads.length = 0;

    await undo(page);
    await total('1,100 memories.');
    await row(page, 'Memory 500').waitFor();
    expect(await titles(499, 501)).toEqual([
      [499, 'Memory 499'],
      [500, 'Memory 500'],
      [501, 'Memory 501'],
    ]);
    expect(reads.length).toBe(2);

    await row(page, 'Memory 500').getByRole('link', { name: 'Memory 500' }).click();
    await button(page, 'Edit').click();
    await page.getByRole('textbox', { name: 'Title' }).fill('Another title');
    await button(page, 'Save').click();
    await page.getByText('Memory saved').waitFor();
    reads.length = 0;
    await page.goBack();
    await scrollTo('Another title', 500);
    expect(await titles(499, 501)).toEqual([
      [499, 'Memory 499'],
      [500, 'Another title'],
      [501, 'Memory 501'],
    ]);
    // Where two pages meet, nothing is missing and nothing is listed twice.
    await scrollTo('Memory 600', 600);
    expect((await titles(597, 603)).map(([, title]) => title)).toEqual(
      [597, 598, 599, 600, 601, 602, 603].map((n) => `Memory ${n}`),
    );
    expect(reads.length).toBe(2);
    await finish();
  });
});

describe.skipIf(!hasBrowser)('memory screen', () => {
  it('edits with a preview, undoes the edit, and does not overwrite a change from elsewhere', async () => {
    const [id] = await start([note('Deploys', { tags: ['ops'] })], ([only]) => `/memories/${only}`);
    const { page } = open;
    await button(page, 'Edit').click();
    await page.getByRole('textbox', { name: 'Content (Markdown)' }).fill('We **never** deploy.');
    await page.getByRole('region', { name: 'Preview' }).locator('strong', { hasText: 'never' }).waitFor();
    await page.getByRole('combobox', { name: 'Tags' }).fill('rules');
    await page.keyboard.press('Enter');
    await button(page, 'Save').click();
    await page.getByText('Memory saved').waitFor();
    expect(await read(id)).toMatchObject({ content: 'We **never** deploy.', tags: ['ops', 'rules'], version: 2 });
    await page.getByRole('article', { name: 'Content' }).locator('strong', { hasText: 'never' }).waitFor();
    await undo(page);
    expect(await read(id)).toMatchObject({ content: 'About deploys.', tags: ['ops'], version: 3 });

    await page.getByRole('article', { name: 'Content' }).getByText('About deploys.').waitFor();
    await button(page, 'Edit').click();
    await page.getByRole('textbox', { name: 'Title' }).fill('');
    await button(page, 'Save').click();
    await page.getByText('must not be empty or blank').waitFor();
    await page.getByRole('textbox', { name: 'Title' }).fill('Mine');
    await user.api.patch(`/memories/${id}`, { title: 'Theirs' });
    await button(page, 'Save').click();
    await page.getByText('was changed elsewhere').waitFor();
    expect((await read(id)).title).toBe('Theirs');
    // The responses that a form expects are errors of the console to the browser.
    expect(open.problems.filter((problem) => !/status of (412|422)/.test(problem))).toEqual([]);
    await open.context.close();
  });

  it('archives and restores with undo, and deletes for good only when confirmed', async () => {
    const [id] = await start([note('Deploys')], ([only]) => `/memories/${only}`);
    const { page } = open;
    await button(page, 'Archive').click();
    await page.getByText('Memory archived').waitFor();
    expect((await read(id)).status).toBe('archived');
    await undo(page);
    expect((await read(id)).status).toBe('active');
    await button(page, 'More acts').click();
    await page.getByRole('menuitem', { name: 'Delete for good' }).click();
    await button(page, 'Cancel').click();
    expect((await read(id)).status).toBe('active');
    await button(page, 'More acts').click();
    await page.getByRole('menuitem', { name: 'Delete for good' }).click();
    await page.getByText('This cannot be undone.').waitFor();
    await button(page, 'Delete for good').click();
    await page.getByText('No memories yet').waitFor();
    expect((await user.api.get(`/memories/${id}`)).status).toBe(404);
    // The memory was read again when it was gone.
    expect(open.problems.filter((problem) => !/status of 404/.test(problem))).toEqual([]);
    await open.context.close();
  });

  it('shows the difference between any two versions, and restores one with undo', async () => {
    user = await service.newUser();
    const { id } = (await user.api.post('/memories', { title: 'Rules', content: 'one\ntwo\nthree', tags: ['a'] })).body;
    await user.api.patch(`/memories/${id}`, { content: 'one\n2\nthree' });
    await user.api.patch(`/memories/${id}`, { content: 'one\n2\n3', tags: ['b'] });
    open = await openDashboard(browser, service, user.userId, { path: `/memories/${id}` });
    const { page } = open;
    const history = page.getByRole('region', { name: 'History' });
    const changed = async () => [
      await history.locator('.diff del').allTextContents(),
      await history.locator('.diff ins').allTextContents(),
    ];
    await history.locator('.diff').waitFor();
    expect(await changed()).toEqual([['- three\n'], ['+ 3\n']]);
    expect(await history.getByText('Tags').count()).toBe(1);
    await history.getByRole('button', { name: /From/ }).click();
    await page.getByRole('option', { name: /Version 1/ }).click();
    await history.getByText('- two').waitFor();
    expect(await changed()).toEqual([['- two\n- three\n'], ['+ 2\n+ 3\n']]);
    await button(page, 'Restore version 1').click();
    await page.getByText('Version 1 restored').waitFor();
    expect(await read(id)).toMatchObject({ content: 'one\ntwo\nthree', tags: ['a'], version: 4 });
    await undo(page);
    expect(await read(id)).toMatchObject({ content: 'one\n2\n3', tags: ['b'], version: 5 });
    await finish();
  });

  it('draws what superseded what', async () => {
    const [oldest] = await start([note('Oldest')], ([only]) => `/memories/${only}`);
    const middle = (await user.api.post('/memories', note('Middle', { supersedes: oldest }))).body.id;
    await user.api.post('/memories', note('Newest', { supersedes: middle }));
    const { page } = open;
    await page.goto(`${service.url}/app/memories/${middle}`);
    const chain = page.getByRole('region', { name: 'What superseded what' });
    await chain.waitFor();
    expect(await chain.getByRole('link').allTextContents()).toEqual(['Newest', 'Middle', 'Oldest']);
    await finish();
  });
});
