import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TOLERANCE_SECONDS, verifySignature } from '../../../api/billing/verify.ts';

const SECRET = `ws_${'0123456789abcdef'.repeat(4)}`;
const NOW = new Date('2026-11-23T12:00:00Z');
const T = NOW.getTime() / 1000;
const BODY = '{"type":"membership.activated","data":{"name":"Zoë"}}';

const hmac = (key: string | Buffer, text: string, encoding: 'base64' | 'hex') =>
  createHmac('sha256', key).update(text).digest(encoding);

interface Request {
  headers: Record<string, string>;
  body?: string;
  secrets?: string[];
  legacySignatures?: boolean;
}

function check({ headers, body = BODY, secrets = [SECRET], legacySignatures = false }: Request) {
  const request = { header: (name: string) => headers[name] ?? '', body: Buffer.from(body) };
  return verifySignature(request, { secrets, legacySignatures, now: NOW });
}

function v1({ id = 'msg_1', t = T, key = SECRET as string | Buffer, body = BODY } = {}) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(t),
    'webhook-signature': `v1,${hmac(key, `${id}.${t}.${body}`, 'base64')}`,
  };
}

describe('v1 webhook signature', () => {
  it('is accepted when it is made with the literal secret, prefix included', () => {
    expect(check({ headers: v1() })).toEqual({ webhookId: 'msg_1' });
  });

  it('is rejected when it is made with the base64- or hex-decoded secret', () => {
    expect(check({ headers: v1({ key: Buffer.from(SECRET, 'base64') }) })).toBeUndefined();
    expect(check({ headers: v1({ key: Buffer.from(SECRET.slice(3), 'base64') }) })).toBeUndefined();
    expect(check({ headers: v1({ key: Buffer.from(SECRET.slice(3), 'hex') }) })).toBeUndefined();
    expect(check({ headers: v1({ key: SECRET.slice(3) }) })).toBeUndefined();
  });

  it('is accepted among several signatures, in any position', () => {
    const good = v1()['webhook-signature'];
    const bad = `v1,${'A'.repeat(43)}=`;
    for (const list of [`${good} ${bad}`, `${bad} ${good}`, `v2,x ${good}`, `${bad} v1a,x ${good}`]) {
      expect(check({ headers: { ...v1(), 'webhook-signature': list } }), list).toBeDefined();
    }
    expect(check({ headers: { ...v1(), 'webhook-signature': `${bad} ${bad}` } })).toBeUndefined();
  });

  it('is accepted with the tag v1 only', () => {
    const signature = v1()['webhook-signature'].slice(3);
    for (const tag of ['v2,', 'v1a,', 'v1', '', 'V1,']) {
      expect(check({ headers: { ...v1(), 'webhook-signature': tag + signature } }), tag).toBeUndefined();
    }
  });

  it('is accepted within exactly five minutes of the local clock', () => {
    expect(TOLERANCE_SECONDS).toBe(300);
    for (const t of [T - 300, T - 299, T + 300]) expect(check({ headers: v1({ t }) }), String(t - T)).toBeDefined();
    for (const t of [T - 301, T + 301, 0]) expect(check({ headers: v1({ t }) }), String(t - T)).toBeUndefined();
  });

  it('is rejected for another id, time or body', () => {
    expect(check({ headers: { ...v1(), 'webhook-id': 'msg_2' } })).toBeUndefined();
    expect(check({ headers: { ...v1(), 'webhook-timestamp': String(T + 1) } })).toBeUndefined();
    for (const body of [`${BODY} `, BODY.replace('activated', 'deactivated'), '']) {
      expect(check({ headers: v1(), body }), body).toBeUndefined();
    }
  });

  it('is rejected when a header is missing or the timestamp is malformed', () => {
    for (const name of Object.keys(v1())) expect(check({ headers: { ...v1(), [name]: '' } }), name).toBeUndefined();
    for (const t of ['soon', `${T}.5`, `-${T}`, `${T} `, '1e9', 'NaN']) {
      const headers = {
        'webhook-id': 'msg_1',
        'webhook-timestamp': t,
        'webhook-signature': `v1,${hmac(SECRET, `msg_1.${t}.${BODY}`, 'base64')}`,
      };
      expect(check({ headers }), t).toBeUndefined();
    }
  });

  it('is accepted with the new and the old secret during a rotation', () => {
    const secrets = ['ws_new', SECRET];
    expect(check({ headers: v1(), secrets })).toBeDefined();
    expect(check({ headers: v1({ key: 'ws_new' }), secrets })).toBeDefined();
    expect(check({ headers: v1({ key: 'ws_gone' }), secrets })).toBeUndefined();
  });

  it('is rejected by a service without a secret', () => {
    expect(check({ headers: v1(), secrets: [] })).toBeUndefined();
    expect(check({ headers: v1({ key: '' }), secrets: [] })).toBeUndefined();
  });

  it('is accepted with a secret of Standard Webhooks, decoded or literal', () => {
    const secret = `whsec_${Buffer.from('a key of thirty-two bytes, or so').toString('base64')}`;
    const decoded = Buffer.from(secret.slice(6), 'base64');
    expect(check({ headers: v1({ key: decoded }), secrets: [secret] })).toBeDefined();
    expect(check({ headers: v1({ key: secret }), secrets: [secret] })).toBeDefined();
    expect(check({ headers: v1({ key: secret.slice(6) }), secrets: [secret] })).toBeUndefined();
  });
});

describe('v5 webhook signature', () => {
  const v5 = (t = T, key: string = SECRET) => ({ 'x-whop-signature': `t=${t},v1=${hmac(key, `${t}.${BODY}`, 'hex')}` });

  it('is the hex digest of time and body', () => {
    expect(check({ headers: v5() })).toEqual({ webhookId: expect.stringMatching(/^v5_[0-9a-f]{64}$/) });
    expect(check({ headers: v5(T - 300) })).toBeDefined();
    expect(check({ headers: v5(T - 301) })).toBeUndefined();
    expect(check({ headers: v5(T, 'ws_other') })).toBeUndefined();
    expect(check({ headers: v5(), body: `${BODY} ` })).toBeUndefined();
    for (const header of ['t=1', `v1=${hmac(SECRET, BODY, 'hex')}`, `t=${T},v1=`, `t=${T},v1=zz`, '=', ',']) {
      expect(check({ headers: { 'x-whop-signature': header } }), header).toBeUndefined();
    }
  });

  it('identifies an event by its body and timestamp', () => {
    expect(check({ headers: v5() })?.webhookId).toBe(check({ headers: v5() })?.webhookId);
    expect(check({ headers: v5(T - 1) })?.webhookId).not.toBe(check({ headers: v5() })?.webhookId);
  });
});

describe('legacy webhook signature', () => {
  const headers = { 'x-whop-signature': hmac(SECRET, BODY, 'hex') };

  it('is accepted only when WHOP_LEGACY_SIGNATURES is on', () => {
    expect(check({ headers })).toBeUndefined();
    expect(check({ headers, legacySignatures: true })).toEqual({ webhookId: undefined });
    expect(check({ headers, legacySignatures: true, body: '{}' })).toBeUndefined();
    expect(check({ headers: {}, legacySignatures: true })).toBeUndefined();
    expect(check({ headers, legacySignatures: true, secrets: [] })).toBeUndefined();
  });
});
