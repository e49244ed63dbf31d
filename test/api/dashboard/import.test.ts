import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { findAccessibilityViolations, openDashboard } from '../../support/dashboard.ts';
import { memoriesOf } from '../../support/imports.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let service: TestService;
let browser: Browser;

beforeAll(async () => {
  service = await startTestService({ jobs: true });
  if (hasBrowser) browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await service.stop();
});

const file = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

describe.skipIf(!hasBrowser)('import screen', () => {
  it('checks a file, shows what does not fit, imports the rest and downloads the report', async () => {
    const user = await service.newUser();
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/memories/import',
    });
    await page.getByText('No imports yet').waitFor();
    await page.getByRole('textbox', { name: 'Project' }).fill('moved');
    const lines = [
      '{"text": "First"}',
      '{"text": ""}',
      '{"text": "<img src=x onerror=alert(1)>"}',
      '{"title": "=1+1"}',
    ];
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(file('notes.jsonl', lines.join('\n')));
    await page.getByRole('button', { name: 'Import 2 memories' }).waitFor();
    await page.getByText('JSON lines', { exact: true }).waitFor();
    expect((await memoriesOf(user)).size).toBe(0);
    const why = 'content: no column or key gives the text; name it in the mapping';
    expect(await page.getByRole('cell', { name: why }).count()).toBe(2);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the report' }).click(),
    ]);
    const report = await readFile(await download.path(), 'utf8');
    expect(report).toContain(`"4","'=1+1","rejected","${why}"`);
    await page.getByRole('button', { name: 'Import 2 memories' }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    const memories = await memoriesOf(user);
    expect([...memories.keys()].sort()).toEqual(['<img src=x onerror=alert(1)>', 'First']);
    expect(memories.get('First').project).toBe('moved');
    await page.getByRole('button', { name: 'Import another file' }).click();
    await page.getByRole('link', { name: 'notes.jsonl' }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it('packs several files, and says why a file cannot be read', async () => {
    const user = await service.newUser();
    const { page, context, problems } = await openDashboard(browser, service, user.userId, {
      path: '/memories/import',
    });
    const files = [file('one.md', '# One\n\nFirst.'), file('two.md', '---\ntitle: Two\n---\nSecond.')];
    await page.locator('input[type=file]').first().setInputFiles(files);
    await page.getByRole('button', { name: 'Import 2 memories' }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    expect([...(await memoriesOf(user)).keys()].sort()).toEqual(['One', 'Two']);
    await page.getByRole('button', { name: 'Import another file' }).click();
    await page.locator('input[type=file]').first().setInputFiles(file('archive.zip', 'PK\u0003\u0004'));
    await page.getByText('This is a ZIP archive. Unpack it and import the folder, or the file in it.').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('link', { name: '2 files' }).waitFor();
    await page.getByRole('link', { name: 'archive.zip' }).waitFor({ state: 'detached' });
    expect(problems).toEqual([]);
    await context.close();
  });

  it('imports the export of another account, versions included, and a table whose columns are named', async () => {
    const [source, target] = [await service.newUser(), await service.newUser()];
    const { body: made } = await source.api.post('/memories', {
      title: 'Deploys',
      content: 'On Fridays.',
      tags: ['ops'],
    });
    await source.api.patch(`/memories/${made.id}`, { content: 'On Tuesdays.' });
    const first = await openDashboard(browser, service, source.userId, { path: '/account' });
    await first.page.getByRole('button', { name: 'Export everything' }).click();
    const [download] = await Promise.all([
      first.page.waitForEvent('download'),
      first.page.getByRole('link', { name: /^Download, / }).click(),
    ]);

    const { page, context, problems } = await openDashboard(browser, service, target.userId, { path: '/account' });
    await page.getByRole('link', { name: 'Import a file' }).click();
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(await download.path());
    await page.getByRole('button', { name: 'Import 1 memory' }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    for (const path of [`/memories/${made.id}`, `/memories/${made.id}/versions`]) {
      expect((await target.api.get(path)).body).toEqual((await source.api.get(path)).body);
    }

    await page.getByRole('button', { name: 'Import another file' }).click();
    await page.getByText('Columns of CSV, keys of JSON lines').click();
    await page.getByRole('textbox', { name: 'Content' }).fill('Beschreibung');
    await page.locator('input[type=file]').first().setInputFiles(file('notizen.csv', 'Nr,Beschreibung\n1,Freitags\n'));
    await page.getByRole('button', { name: 'Import 1 memory' }).click();
    await page.getByText('Imported', { exact: true }).waitFor();
    expect((await memoriesOf(target)).has('Freitags')).toBe(true);
    expect([...first.problems, ...problems]).toEqual([]);
    await first.context.close();
    await context.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('has no accessibility violation in %s at %i px', async (theme, width) => {
    const user = await service.newUser();
    const options = { path: '/memories/import', theme, width };
    const { page, context, problems } = await openDashboard(browser, service, user.userId, options);
    await page.getByText('No imports yet').waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    await page.locator('input[type=file]').first().setInputFiles(file('n.jsonl', '{"text": "a"}\n{"text": ""}'));
    await page.getByRole('button', { name: 'Import 1 memory' }).waitFor();
    expect(await findAccessibilityViolations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(problems).toEqual([]);
    await context.close();
  });
});
