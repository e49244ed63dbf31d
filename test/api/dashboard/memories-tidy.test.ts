import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import type { Json } from '../../support/client.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let service: TestService;
let browser: Browser;

beforeAll(async () => {
  service = await startTestService();
  if (hasBrowser) browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await service.stop();
});

async function store(user: TestUser, memory: object): Promise<string> {
  return (await user.api.post('/memories', memory)).body.id;
}

const note = (title: string, more: object = {}) => ({ title, content: `About ${title.toLowerCase()}.`, ...more });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const undo = async (page: Page) => {
  await button(page, 'Undo').click();
  const undone = page.getByRole('alertdialog').filter({ hasText: 'Undone' });
  await undone.getByRole('button', { name: 'Close' }).click();
  await undone.waitFor({ state: 'detached' });
};

const SCREENS = ['', '/tags', '/projects', '/duplicates', '/consolidate', '/context'];

describe.skipIf(!hasBrowser)('memories screens', () => {
  it('merge a tag into another after a dry run, and undo it exactly', async () => {
    const user = await service.newUser();
    const one = await store(user, note('One', { tags: ['old'] }));
    const both = await store(user, note('Both', { tags: ['old', 'new'] }));
    const other = await store(user, note('Other', { tags: ['new'] }));
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/memories/tags' });
    const tagsOf = async (id: string) => (await user.api.get(`/memories/${id}`)).body.tags.toSorted();
    await button(page, 'Acts on tag old').click();
    await page.getByRole('menuitem', { name: 'Rename or merge' }).click();
    await page.getByRole('textbox', { name: 'New name' }).fill('new');
    await page.getByText('the two become one').waitFor();
    expect(await tagsOf(one)).toEqual(['old']);
    await button(page, 'Rename in 2 memories').click();
    await page.getByText('Tag “old” is now “new”').waitFor();
    expect([await tagsOf(one), await tagsOf(both), await tagsOf(other)]).toEqual([['new'], ['new'], ['new']]);
    await undo(page);
    expect([await tagsOf(one), await tagsOf(both), await tagsOf(other)]).toEqual([['old'], ['new', 'old'], ['new']]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('rename and archive a project after a dry run, and undo both', async () => {
    const user = await service.newUser();
    const ids = [await store(user, note('One', { project: 'a/b' })), await store(user, note('Two', { project: 'c' }))];
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/memories/projects',
    });
    const read = async () => {
      const all: Json[] = (await Promise.all(ids.map((id) => user.api.get(`/memories/${id}`)))).map(({ body }) => body);
      return all.map(({ project, status }) => [project, status]);
    };
    await button(page, 'Acts on a/b').click();
    await page.getByRole('menuitem', { name: 'Rename, merge or move' }).click();
    await page.getByRole('textbox', { name: 'New name' }).fill('c');
    await page.getByText('the two become one').waitFor();
    await button(page, 'Move 1 memory').click();
    await page.getByText('Memories moved to “c”').waitFor();
    expect(await read()).toEqual([
      ['c', 'active'],
      ['c', 'active'],
    ]);
    await undo(page);
    await button(page, 'Acts on a/b').click();
    await page.getByRole('menuitem', { name: 'Archive or delete' }).click();
    await button(page, 'Archive 1 memory').click();
    await page.getByText('“a/b” archived').waitFor();
    expect(await read()).toEqual([
      ['a/b', 'archived'],
      ['c', 'active'],
    ]);
    await undo(page);
    expect((await read())[0]).toEqual(['a/b', 'active']);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('show near-duplicates side by side, and keep one of them', async () => {
    const user = await service.newUser();
    const text = 'The deploy script of the billing service needs the flag --no-cache on Tuesdays';
    const older = await store(user, note('Older', { content: `${text}.` }));
    const newer = await store(user, note('Newer', { content: `${text}, and Fridays.` }));
    const statusOf = async (id: string) => (await user.api.get(`/memories/${id}`)).body.status;
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/memories/duplicates',
    });
    await button(page, 'Show differences').click();
    await page.locator('.diff ins', { hasText: 'Fridays' }).waitFor();
    await button(page, 'Keep this one: Newer, newer').click();
    await page.getByText('Kept “Newer”').waitFor();
    expect([await statusOf(older), await statusOf(newer)]).toEqual(['archived', 'active']);
    await page.getByText('No near-duplicates').waitFor();
    await undo(page);
    expect(await statusOf(older)).toBe('active');
    await button(page, 'Keep this one: Older, older').waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it('preview and run a consolidation, and undo it', async () => {
    const user = await service.newUser();
    const plain = await store(user, note('Plain'));
    const insight = await store(user, note('Insight', { tags: ['insight'] }));
    const read = async (id: string) => (await user.api.get(`/memories/${id}`)).body;
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/memories/consolidate',
    });
    await page.getByText('Nothing to consolidate').waitFor();
    await page.getByRole('spinbutton', { name: 'Days without an edit' }).fill('0');
    await page.getByRole('link', { name: 'Insight' }).waitFor();
    expect((await read(plain)).status).toBe('active');
    await button(page, 'Consolidate now').click();
    await page.getByText('Consolidated', { exact: true }).waitFor();
    expect([(await read(plain)).status, (await read(insight)).type]).toEqual(['archived', 'long_term']);
    await undo(page);
    expect([(await read(plain)).status, (await read(insight)).type]).toEqual(['active', 'short_term']);
    expect((await user.api.get('/memories')).body.total).toBe(2);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('show a context package with its token count', async () => {
    const user = await service.newUser();
    await store(user, note('Deploys', { content: 'We deploy on Fridays.' }));
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/memories/context',
    });
    await page.getByRole('textbox', { name: 'Task or question' }).fill('deploy');
    await page.getByRole('spinbutton', { name: 'Token budget' }).fill('500');
    await button(page, 'Show context').click();
    const { body } = await user.api.post('/context', { query: 'deploy', max_tokens: 500 });
    await page.getByText(`${body.tokens} of 500 tokens`).waitFor();
    expect(await page.locator('.context-text').textContent()).toBe(body.context);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('run no script of stored text, and load nothing for it', async () => {
    const user = await service.newUser();
    const payloads = [
      '<script>window.hit=1</script>',
      '<img src=x onerror="window.hit=1">',
      '"><svg onload="window.hit=1">',
      "javascript:window.hit=1//'",
      '{{constructor.constructor("window.hit=1")()}}',
    ];
    const content = [
      ...payloads,
      '![remote](https://example.com/pixel.png)',
      '[link](javascript:window.hit=1)',
      '<a href="data:text/html,x">data</a>',
      '<iframe src="https://example.com"></iframe><form action="https://example.com"><button>x</button></form>',
      '<style>body{display:none}</style><div style="position:fixed;inset:0">over</div>',
    ].join('\n\n');
    const ids: string[] = [];
    for (const payload of payloads) {
      const more = { tags: [payload], project: payload, session_id: payload, metadata: { [payload]: payload } };
      ids.push(await store(user, { title: payload, content: `${content}\n${ids.length}`, ...more }));
    }
    await user.api.patch(`/memories/${ids[0]}`, { content: `${content} changed`, tags: ['<b>tag</b>'] });
    const paths = [
      ...SCREENS.map((path) => `/memories${path}`),
      `/memories?${new URLSearchParams({ q: '<script>window.hit=1</script> onerror' })}`,
      ...ids.slice(0, 2).map((id) => `/memories/${id}`),
      `/memories/${ids[0]}?edit=true`,
    ];
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { path: '/memories' });
    for (const path of paths) {
      await page.goto(`${service.url}/app${path}`);
      await page.locator('h1').waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      expect([path, await page.evaluate('window.hit')]).toEqual([path, undefined]);
      const isEditing = path.endsWith('edit=true');
      if (path === `/memories/${ids[0]}` || isEditing) {
        await page.locator('.markdown').waitFor();
        const shown = page.locator('.markdown');
        expect(await shown.locator('script, img, iframe, form, style, svg, [style], [onerror]').count()).toBe(0);
        const links = await shown.locator('a[href]').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
        expect(links.filter((href) => !/^https?:/.test(href ?? ''))).toEqual([]);
      }
    }
    expect(problems).toEqual([]);
    await context.close();
  });

  it.each([
    ['light', 1280, 'lists'],
    ['light', 1280, 'pages'],
    ['dark', 360, 'lists'],
    ['dark', 360, 'pages'],
  ] as const)('are accessible and fit long titles and a thousand tags, %s at %i px, %s', async (theme, width, part) => {
    const user = await service.newUser();
    const long = 'x'.repeat(200);
    const memories = Array.from({ length: 10 }, (_, n) => ({
      title:
        n % 2 ? `${long}${n}`.slice(-200) : `Words that make a long title ${'again and '.repeat(15)}${n}`.slice(0, 200),
      content: `Content ${n} ${'word '.repeat(40)} \`${long}\``,
      project: n % 3 === 0 ? 'p'.repeat(200) : 'short',
      tags: Array.from({ length: 100 }, (_, tag) => `tag-${n}-${tag}${tag === 0 ? '-long'.repeat(15) : ''}`),
    }));
    const { body } = await user.api.post('/memories/batch', { memories });
    const id = body.results[1].id;
    await user.api.patch(`/memories/${id}`, { content: `Changed ${long}` });
    const { page, context, problems } = await openDashboard(browser, service, user.userId, { theme, width });
    const paths =
      part === 'lists'
        ? ['', '/tags', '/projects', '?view=timeline', '?q=content']
        : ['/duplicates', '/consolidate', '/context', `/${id}`, `/${id}?edit=true`];
    for (const path of paths) {
      await page.goto(`${service.url}/app/memories${path}`);
      await page.locator('h1').waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      expect([path, await findAccessibilityViolations(page)]).toEqual([path, []]);
      expect([path, await page.evaluate<number>('document.documentElement.scrollWidth')]).toEqual([
        path,
        expect.toSatisfy((shown: number) => shown <= width),
      ]);
    }
    expect(problems).toEqual([]);
    await context.close();
  });
});
