import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '../../support/service.ts';

const BUILD = join(import.meta.dirname, '../../../dist/dashboard');

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

describe('dashboard › files', () => {
  it('sends the page for every path below /app, with a policy that allows this service only', async () => {
    for (const path of ['/app', '/app/connect', '/app/memories/some/where']) {
      const response = await fetch(`${service.url}${path}`, { headers: { Accept: 'text/html' } });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('<div id="root">');
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("connect-src 'self'");
      expect(policy).not.toContain('unsafe');
    }
  });

  it('lets browsers keep hashed files for ever, and asks about the others', async () => {
    const [name] = readdirSync(join(BUILD, 'assets'));
    const hashed = await fetch(`${service.url}/app/assets/${name}`);
    expect(hashed.headers.get('cache-control')).toContain('immutable');
    const theme = await fetch(`${service.url}/app/theme.js`);
    expect(theme.headers.get('content-type')).toContain('javascript');
    expect(theme.headers.get('cache-control')).toContain('must-revalidate');
  });

  it('sends nothing from outside its folder', async () => {
    for (const name of ['..%2findex.html', '..%2f..%2f..%2fpackage.json', 'none.js']) {
      expect((await fetch(`${service.url}/app/assets/${name}`)).status).toBe(404);
    }
  });

  it('loads at most 200 kB gzip before the first screen', () => {
    const page = readFileSync(join(BUILD, 'index.html'), 'utf8');
    const first = [...page.matchAll(/"\/app\/([^"]+\.(?:js|css))"/g)].map((match) => match[1] as string);
    expect(first.length).toBeGreaterThanOrEqual(3);
    const bytes = first.map((file) => gzipSync(readFileSync(join(BUILD, file))).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000);
  });
});
