import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';

export const validateLicense = operation({
  id: 'license.validate',
  summary: 'How a licence of yours stands',
  description: 'A licence that is not of your account is not valid, whether it exists or not.',
  tag: 'account',
  http: { method: 'POST', path: '/license/validate', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({
    license_key: f.text(200).meta({ description: "The licence key, or the membership's id." }),
  }),
  output: z.strictObject({
    valid: z.boolean().meta({ description: 'Whether it gives what was paid for.' }),
    status: z.string().nullable().meta({ description: "In Whop's words." }),
    plan: z.string().nullable(),
    membership_id: z.string().nullable(),
    period_end: f.instant.nullable(),
    cancel_at_period_end: z.boolean(),
    as_of: f.instant.nullable().meta({ description: 'When Whop said so: seconds ago, unless it cannot be reached.' }),
  }),
  errors: [],
});
