import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COPY_SCRIPT, ICON, STYLE } from '../../../api/pages/assets.ts';
import { html } from '../../../api/pages/html.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const BROWSER = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

describe('a page', () => {
  it.each(['/', '/claim/new', '/claim/x', '/legal/terms', '/docs/errors', '/nowhere'])(
    '%s has the strict content security policy',
    async (path) => {
      const { headers } = await fetch(node.url + path, { headers: BROWSER });
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'".concat(
          // The search of the documentation loads its index.
          path.startsWith('/docs') ? "; connect-src 'self'" : '',
        ),
      );
      expect(headers.get('referrer-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const isStatic = !['/claim/x', '/nowhere'].includes(path);
      expect(headers.get('cache-control')).toBe(isStatic ? 'public, max-age=0, must-revalidate' : 'no-store');
      expect(headers.getSetCookie()).toEqual([]);
    },
  );

  it('has the security headers everywhere, as every other response has', async () => {
    const paths = ['/', '/docs', '/docs/api/search', '/login', '/legal/terms', '/app', '/app/memories', '/assets/none'];
    const others = [
      '/nowhere',
      '/api/v1/user/me',
      '/api/v1/nowhere',
      '/mcp',
      '/openapi.json',
      '/health',
      '/robots.txt',
    ];
    for (const path of [...paths, ...others]) {
      const { headers } = await fetch(node.url + path, { headers: BROWSER, redirect: 'manual' });
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).toContain("frame-ancestors 'none'");
      expect(policy, path).not.toContain('unsafe');
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('referrer-policy'), path).toMatch(/^(no-referrer|same-origin)$/);
      expect(headers.get('x-powered-by'), path).toBeNull();
    }
  });

  it('has no inline script and no inline style', async () => {
    for (const path of ['/', '/claim/new', '/legal/privacy', '/docs/errors']) {
      const text = await (await fetch(node.url + path)).text();
      expect(text).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/i);
    }
  });

  it('loads files whose path changes with their content, so that they are cached permanently', async () => {
    const home = await (await fetch(node.url)).text();
    for (const { path, type, body } of [STYLE, ICON, COPY_SCRIPT]) {
      const answer = await fetch(node.url + path);
      expect(answer.headers.get('content-type')).toContain(type);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(await answer.text()).toBe(body);
    }
    expect(home).toContain(STYLE.path);
    expect((await fetch(`${node.url}/assets/style.0000000000000000.css`)).status).toBe(404);
  });

  it('accepts its own forms, and rejects those of other origins', async () => {
    const post = (headers: Record<string, string>) =>
      fetch(`${node.url}/claim/${'A'.repeat(43)}`, { method: 'POST', headers: { ...BROWSER, ...headers } });
    expect((await post({ Origin: node.url })).status).toBe(404);
    expect((await post({ Origin: 'https://evil.example' })).status).toBe(403);
  });
});

describe('an error', () => {
  it('is a page for browsers, and a problem document for programs and below their paths', async () => {
    const requests: [string, Record<string, string>, string][] = [
      ['/nowhere', BROWSER, 'text/html'],
      ['/nowhere', { Accept: '*/*' }, 'application/problem+json'],
      ['/nowhere', { Accept: 'application/json' }, 'application/problem+json'],
      ['/nowhere', {}, 'application/problem+json'],
      ['/api/v1/memories', BROWSER, 'application/problem+json'],
      ['/api/v1/nowhere', BROWSER, 'application/problem+json'],
      ['/mcp/nowhere', BROWSER, 'application/problem+json'],
      // A JSON-RPC error, which is what MCP clients show.
      ['/mcp', { Accept: '*/*' }, 'application/json'],
      ['/webhooks/nowhere', BROWSER, 'application/problem+json'],
    ];
    for (const [path, headers, type] of requests) {
      const answer = await sendRaw(node.url, { path, headers });
      expect([path, answer.headers.get('content-type')]).toEqual([path, expect.stringContaining(type)]);
    }
  });

  it('as a page contains no markup of the request', async () => {
    const answer = await fetch(`${node.url}/<script>alert(1)</script>?q=<b>`, { headers: BROWSER });
    expect(await answer.text()).not.toMatch(/alert|<b>/);
  });
});

describe('html', () => {
  it('escapes values in text and attributes, and nests fragments and lists', () => {
    const evil = `<b>"&'`;
    expect(html`<a title="${evil}">${[evil, html`<i>${1}</i>`]}${false}${undefined}</a>`.html).toBe(
      '<a title="&lt;b&gt;&quot;&amp;&#39;">&lt;b&gt;&quot;&amp;&#39;<i>1</i></a>',
    );
  });
});
