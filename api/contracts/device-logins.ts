import { z } from 'zod';
import { NEW_KEY } from './examples.ts';
import * as f from './fields.ts';
import { isOneLine } from './keys.ts';
import { operation, publicOperation } from './operation.ts';

/** Seconds within which a person must decide. */
export const DEVICE_LOGIN_SECONDS = 600;
/** Seconds that a program waits between two polls. */
export const DEVICE_POLL_SECONDS = 5;

const deviceCode = z.string().max(100);
const USER_CODE = 'WDJB-MJHT';

/** A code as the person types it: in any case, with or without the dash. */
const userCode = z
  .string()
  .max(20)
  .transform((text) => text.toUpperCase().replace(/[^A-Z]/g, ''))
  .pipe(z.string().regex(/^[A-Z]{8}$/, 'must be 8 letters, such as WDJB-MJHT'))
  .meta({ description: 'The code that the program shows, such as `WDJB-MJHT`.' });

const deviceLogin = z.strictObject({
  user_code: z.string(),
  name: z.string().meta({ description: 'The name that the program gave itself. It is not verified.' }),
  status: z.enum(['pending', 'approved', 'denied']),
  created_at: f.instant,
  expires_at: f.instant,
});

const PENDING = {
  user_code: USER_CODE,
  name: 'whitemagic on ada-laptop',
  status: 'pending' as const,
  created_at: '2026-11-29T09:41:07.003Z',
  expires_at: '2026-11-29T09:51:07.003Z',
};

export const startDeviceLogin = publicOperation({
  id: 'device.start',
  summary: 'Start a login of a program without a browser',
  description:
    'Needs no key. Show `user_code` and open `verification_uri_complete`, where a signed-in person compares the code and decides; meanwhile poll `POST /device/token`. As in RFC 8628.',
  tag: 'keys',
  http: { method: 'POST', path: '/device/code', statuses: [200] },
  input: z.strictObject({
    name: f.text(f.LIMITS.keyNameLength).refine(isOneLine, 'must be one line without control characters').meta({
      description: 'Name of the program and computer, which the person sees. It becomes the name of the key.',
    }),
  }),
  output: z.strictObject({
    device_code: z.string().meta({ description: 'Secret of the program.' }),
    user_code: z.string(),
    verification_uri: z.string(),
    verification_uri_complete: z.string(),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    interval: z.int().meta({ description: 'Seconds between two polls.' }),
  }),
  example: {
    input: { name: 'whitemagic on ada-laptop' },
    output: {
      device_code: 'Qm1xS0RhVnh4bGZ0cXZsZ0p6b2s0c1JkV2pLbmZ0bUE',
      user_code: USER_CODE,
      verification_uri: 'https://memory.example.com/app/device',
      verification_uri_complete: `https://memory.example.com/app/device?code=${USER_CODE}`,
      expires_in: DEVICE_LOGIN_SECONDS,
      interval: DEVICE_POLL_SECONDS,
    },
  },
});

export const pollDeviceLogin = publicOperation({
  id: 'device.poll',
  summary: 'Get the key of an approved login',
  description:
    'Needs no key. Returns the decision; after an approval the new key, once. A code that was used or never existed counts as expired.',
  tag: 'keys',
  http: { method: 'POST', path: '/device/token', statuses: [200] },
  input: z.strictObject({ device_code: deviceCode }),
  output: z.strictObject({
    status: z.enum(['pending', 'approved', 'denied', 'expired']),
    api_key: z.string().nullable().meta({ description: 'Only with `approved`, and only once.' }),
  }),
  example: {
    input: { device_code: 'Qm1xS0RhVnh4bGZ0cXZsZ0p6b2s0c1JkV2pLbmZ0bUE' },
    output: { status: 'approved', api_key: NEW_KEY.api_key },
  },
});

export const getDeviceLogin = operation({
  id: 'device.get',
  summary: 'Get a login that waits for a decision',
  tag: 'keys',
  http: { method: 'GET', path: '/user/device-logins/{user_code}', statuses: [200] },
  access: { scope: 'keys:write', sessionOnly: true },
  execution: { kind: 'read', role: 'admin' },
  input: z.strictObject({ user_code: userCode }),
  output: deviceLogin,
  example: { input: { user_code: USER_CODE }, output: PENDING },
  errors: ['not_found'],
});

export const decideDeviceLogin = operation({
  id: 'device.decide',
  summary: 'Approve or deny a login',
  description:
    'An approval lets the program get a key of this account that can store and find memories and read usage. Each login is decided once.',
  tag: 'keys',
  http: { method: 'POST', path: '/user/device-logins/{user_code}', statuses: [200] },
  access: { scope: 'keys:write', sessionOnly: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({ user_code: userCode, approve: z.boolean() }),
  output: deviceLogin,
  example: { input: { user_code: USER_CODE, approve: true }, output: { ...PENDING, status: 'approved' } },
  errors: ['not_found'],
});
