import { describe, expect, it } from 'vitest';
import { loggablePath } from '../../../api/http/loggable-path.ts';

const TOKEN = 'Ab_-9'.repeat(9).slice(0, 43);

describe('loggable path', () => {
  it.each([
    `/claim/${TOKEN}`,
    `/CLAIM/${TOKEN}`,
    `/Claim/${TOKEN}/`,
    `/claim//${TOKEN}`,
    `//claim/${TOKEN}`,
    `/%63laim/${TOKEN}`,
    `/claim%2f${TOKEN}`,
    '/claim/short',
    `/claim/new/${TOKEN}`,
    `/api/v1/CLAIM/${TOKEN}`,
  ])('masks the token of %s', (path) => {
    expect(loggablePath(path)).toBe('/claim/…');
  });

  it('masks tokens and keys in other paths', () => {
    expect(loggablePath(`/welcome/${TOKEN}`)).toBe('/welcome/…');
    expect(loggablePath(`/api/v1/user/keys/wm_live_${'0'.repeat(32)}`)).toBe('/api/v1/user/keys/…');
  });

  it.each([
    '/claim/new',
    '/CLAIM/NEW',
    '/claim/new/',
    '/api/v1/memories/019ab0c0-0000-7000-8000-000000000000',
    '/%zz',
    '/',
  ])('keeps %s', (path) => {
    expect(loggablePath(path)).toBe(path);
  });
});
