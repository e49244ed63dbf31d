import { describe, expect, it } from 'vitest';
import { redactError, redactPayload } from '../../../api/operator/redact.ts';

describe('redacted error', () => {
  it.each([
    ['550 5.1.1 <ada@example.com>: unknown', '550 5.1.1 <[e-mail]>: unknown'],
    ['Recipient ada.l+x@mail.example.co.uk rejected', 'Recipient [e-mail] rejected'],
    ['key wm_live_abcdefghijkl was used', 'key [key] was used'],
    ['GET https://api.whop.com/v1/x?token=1 failed', 'GET https://api.whop.com/v1/x failed'],
    ['relation "memories" does not exist', 'relation "memories" does not exist'],
    ['Unexpected token in "my diary of today"', 'Unexpected token in "…"'],
    ['cut in the middle of "my dia', 'cut in the middle of "…"'],
    ['connect ECONNREFUSED 127.0.0.1:25', 'connect ECONNREFUSED 127.0.0.1:25'],
  ])('of %s is %s', (text, expected) => {
    expect(redactError(text)).toBe(expected);
  });

  it('has at most 500 characters', () => {
    expect(redactError('x'.repeat(5_000))).toHaveLength(500);
    expect(redactError(null)).toBeNull();
  });
});

describe('redacted payload', () => {
  it('keeps ids and states, and removes what lets its holder act or pay', () => {
    const payload = {
      type: 'membership.activated',
      data: {
        id: 'mem_1',
        status: 'active',
        user: { id: 'user_1', email: 'ada@example.com' },
        license_key: 'WM-1234',
        licence: 'x',
        manage_url: 'https://whop.com/hub/mem_1',
        card_last4: '4242',
        billing_address: { line1: 'Street' },
        checkout: [{ client_secret: 'cs_1', token: null }],
      },
    };
    const text = JSON.stringify(redactPayload(payload));
    for (const kept of ['mem_1', 'active', 'user_1', 'ada@example.com', '"token":null']) expect(text).toContain(kept);
    for (const gone of ['WM-1234', 'hub', '4242', 'Street', 'cs_1', '"x"']) expect(text).not.toContain(gone);
  });

  it('is bounded', () => {
    let deep: unknown = 'end';
    for (let level = 0; level < 1_000; level++) deep = { deep };
    const large = redactPayload({ deep, long: 'x'.repeat(10_000), many: Array(10_000).fill(1) });
    expect(JSON.stringify(large).length).toBeLessThan(1_000);
  });
});
