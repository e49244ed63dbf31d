import { z } from 'zod';
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
        doors: z.array(z.enum(['mcp', 'rest'])).meta({ description: 'How memories are reached.' }),
        webhooks: z.boolean().meta({ description: 'Outgoing webhooks.' }),
      }),
    ),
  }),
});
