import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';

export const validateLicense = operation({
  id: 'license.validate',
  summary: 'Validate a license',
  description: 'A license of another account is reported as invalid, like one that does not exist.',
  tag: 'account',
  http: { method: 'POST', path: '/license/validate', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({
    license_key: f.text(200).meta({ description: 'The license key, or the id of the membership.' }),
  }),
  output: z.strictObject({
    valid: z.boolean().meta({ description: 'Whether it entitles to its plan.' }),
    status: z.string().nullable().meta({ description: "Whop's status of the membership." }),
    plan: z.string().nullable(),
    membership_id: z.string().nullable(),
    period_end: f.instant.nullable(),
    cancel_at_period_end: z.boolean(),
    as_of: f.instant
      .nullable()
      .meta({ description: 'Time of the data from Whop: seconds ago, unless Whop is unavailable.' }),
  }),
  example: {
    input: { license_key: 'WM-EXAMPLE-0000' },
    output: {
      valid: true,
      status: 'active',
      plan: 'starter',
      membership_id: 'mem_EXAMPLE0000',
      period_end: '2026-12-26T14:03:55.000Z',
      cancel_at_period_end: false,
      as_of: '2026-11-30T10:00:00.000Z',
    },
  },
  errors: [],
});
