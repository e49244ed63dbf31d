import { describe, expect, it } from 'vitest';
import { createClientNames } from '../../../api/usage/client-names.ts';
import { clientOfInfo, clientOfUserAgent, isLibrary } from '../../../api/usage/client-token.ts';

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

describe('client of a User-Agent header', () => {
  it.each([
    ['curl/8.5.0', 'curl/8.5.0'],
    ['claude-code/2.1.328 (cli)', 'claude-code/2.1.328'],
    ['codex_cli_rs/0.171.0 (Debian 13; x86_64) vscode/1.1', 'codex_cli_rs/0.171.0'],
    ['Cursor/3.0.1-nightly.20261101+abcdef (darwin arm64)', 'cursor/3.0.1'],
    ['python-httpx/0.28.1', 'python-httpx/0.28.1'],
    ['node', 'node'],
    ['Claude-User', 'claude-user'],
    [CHROME, 'chrome/141'],
    [`${CHROME} Edg/141.0.1`, 'edge/141'],
    [CHROME.replace('Safari', 'Cursor/1.2.3 Electron/37.2 Safari'), 'cursor/1'],
    ['Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15', 'safari/605'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0', 'firefox/144'],
    ['Mozilla/5.0', 'browser'],
  ])('%s is %s', (header, client) => {
    expect(clientOfUserAgent(header)).toBe(client);
  });

  it.each([[''], ['   '], ['(mailto:ann@example.com)'], ['/1.0'], ['ann@example.com'], ['<script>']])(
    '%j names no client',
    (header) => {
      expect(clientOfUserAgent(header)).toBeNull();
    },
  );

  it('is bounded, whatever the header is', () => {
    const longest = clientOfUserAgent(`${'x'.repeat(9_000)}/${'1.'.repeat(500)}`) as string;
    expect(longest.length).toBeLessThanOrEqual(64);
    expect(clientOfUserAgent(`tool/9${'9'.repeat(50)}.1`)?.length).toBeLessThanOrEqual(64);
  });
});

describe('client of clientInfo', () => {
  it.each([
    [{ name: 'Visual Studio Code', version: '1.110.0' }, 'visual-studio-code/1.110.0'],
    [{ name: 'claude-ai (via mcp-remote 0.1.15)', version: '0.1.0' }, 'claude-ai/0.1.0'],
    [{ name: 'gemini-cli-mcp-client', version: 'v0.61.0-preview.1' }, 'gemini-cli-mcp-client/0.61.0'],
    [{ name: 'Wérkzeug 🦄', version: '' }, 'werkzeug'],
    [{ name: 'unknown', version: '0' }, null],
    [{ name: '🦄', version: '1' }, null],
  ])('%j is %s', (info, client) => {
    expect(clientOfInfo(info)).toBe(client);
  });
});

describe('client names', () => {
  const call = { userId: 'u', keyId: 'k', userAgent: 'node' };

  it('of a library are those of the last initialize with the same key and user agent', () => {
    const names = createClientNames();
    expect(names.of(call)).toBe('node');
    names.learn('k', 'node', { name: 'gemini-cli', version: '0.61.0' });
    expect(names.of(call)).toBe('gemini-cli/0.61.0');
    expect(names.of({ ...call, keyId: 'other' })).toBe('node');
    expect(names.of({ ...call, userAgent: 'python-httpx/0.28.1' })).toBe('python-httpx/0.28.1');
    expect(names.of({ ...call, userAgent: 'curl/8.5.0' })).toBe('curl/8.5.0');
  });

  it('given by a bridge come first', () => {
    const names = createClientNames();
    names.learn('k', 'whitemagic-stdio/1.0.0', { name: 'wrong' });
    expect(names.of({ ...call, userAgent: 'whitemagic-stdio/1.0.0', given: 'Claude-Code/2.1.328' })).toBe(
      'claude-code/2.1.328',
    );
  });

  it('beyond 30 of one user are "other", and those of another user are not', () => {
    const names = createClientNames();
    const made = Array.from({ length: 40 }, (_, n) => names.of({ ...call, userAgent: `tool-${n}/1.0` }));
    expect(made.slice(0, 30)).toEqual(Array.from({ length: 30 }, (_, n) => `tool-${n}/1.0`));
    expect(new Set(made.slice(30))).toEqual(new Set(['other']));
    expect(names.of({ ...call, userAgent: 'tool-3/2.0' })).toBe('tool-3/2.0');
    expect(names.of({ ...call, userId: 'v', userAgent: 'tool-39/1.0' })).toBe('tool-39/1.0');
  });

  it('of libraries are recognized', () => {
    expect([null, 'node', 'undici', 'python-httpx/0.28.1'].map(isLibrary)).toEqual([true, true, true, true]);
    expect(['curl/8.5.0', 'claude-code/2.1.328'].map(isLibrary)).toEqual([false, false]);
  });
});
