import { describe, expect, it } from 'vitest';
import { landingPath, signInPath } from '../../../api/auth/landing-path.ts';

describe('landing path of a sign-in', () => {
  it.each(['/app', '/app/', '/app/memories?tag=a%2Cb&q=x%20y', '/app/keys/new'])(
    'is a page of the dashboard: %s',
    (next) => {
      expect(landingPath(next)).toBe(next);
    },
  );

  it.each([
    undefined,
    '',
    '/',
    '/apple',
    '/api/v1/user/me',
    '//evil.example/app',
    '/\\evil.example/app',
    '\\\\evil.example\\app',
    'https://evil.example/app',
    'https:evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/app/../auth/logout',
    '/app/%2e%2e/claim/new',
    '/app\t/../../x',
    '/app/..//evil.example',
    '\u0000/app',
    `/app/${'x'.repeat(1_000)}`,
  ])('is the dashboard instead of anything else: %j', (next) => {
    expect(landingPath(next)).toBe('/app');
  });

  it('is carried by the address of the sign-in page', () => {
    expect(signInPath('/app')).toBe('/login');
    expect(signInPath('/app/memories?q=a b')).toBe('/login?next=%2Fapp%2Fmemories%3Fq%3Da%2520b');
    expect(signInPath('//evil.example')).toBe('/login');
  });
});
