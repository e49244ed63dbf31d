import { z } from 'zod';
import { transport } from './fields.ts';
import { publicOperation } from './operation.ts';

export const listPlans = publicOperation({
  id: 'plans.list',
  summary: 'What each plan costs and allows',
  tag: 'account',
  http: { method: 'GET', path: '/plans', statuses: [200] },
  input: z.strictObject({}),
  output: z.strictObject({
    results: z.array(
      z.strictObject({
        name: z.string(),
        price: z.string(),
        purpose: z.string().meta({ description: 'What the plan is for.' }),
        requests_per_minute: z.int(),
        requests_per_day: z.int().meta({ description: 'Of a UTC day.' }),
        storage_bytes: z.int(),
        transports: z.array(transport).meta({ description: 'Transports that reach memories on this plan.' }),
        webhooks: z.boolean().meta({ description: 'Outgoing webhooks.' }),
      }),
    ),
  }),
});
