import { z } from 'zod';
import { transport } from './fields.ts';
import { publicOperation } from './operation.ts';

export const listPlans = publicOperation({
  id: 'plans.list',
  summary: 'List the plans with prices and limits',
  tag: 'account',
  http: { method: 'GET', path: '/plans', statuses: [200] },
  input: z.strictObject({}),
  output: z.strictObject({
    results: z.array(
      z.strictObject({
        name: z.string(),
        price: z.string(),
        purpose: z.string().meta({ description: 'Purpose of the plan.' }),
        support: z.string().meta({ description: 'Support in words, with the time until a response.' }),
        requests_per_minute: z.int(),
        requests_per_day: z.int().meta({ description: 'Per UTC day.' }),
        storage_bytes: z.int(),
        transports: z
          .array(transport)
          .meta({ description: 'Transports over which memories are available on this plan.' }),
        webhooks: z.boolean().meta({ description: 'Whether outgoing webhooks are included.' }),
      }),
    ),
  }),
  example: {
    input: {},
    output: {
      results: [
        {
          name: 'starter',
          price: '$10 a month',
          purpose: 'One person who works with agents every day, and with programs of their own.',
          support: 'E-mail support: a response within two working days.',
          requests_per_minute: 60,
          requests_per_day: 5_000,
          storage_bytes: 100_000_000,
          transports: ['mcp_http', 'mcp_stdio', 'rest'],
          webhooks: false,
        },
      ],
    },
  },
});
