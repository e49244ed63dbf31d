import { jsonSchema } from '../json-schema.ts';
import { TEST_EVENT, TEST_EVENT_TYPE, WEBHOOK_EVENTS, webhookBody } from '../webhook-events.ts';

const HEADERS = {
  'webhook-id': 'Id of the event, the same in every attempt. Ignore one that you have processed.',
  'webhook-timestamp': 'Time of the attempt, in seconds since 1970.',
  'webhook-signature':
    'Signatures of `{webhook-id}.{webhook-timestamp}.{body}` by the Standard Webhooks specification, `v1,` and base64; two while a secret is being rotated.',
};

/** Describes the requests that are sent to webhooks, by event, as OpenAPI 3.1 does. */
export function describeWebhooks() {
  const events = Object.entries({ ...WEBHOOK_EVENTS, [TEST_EVENT_TYPE]: TEST_EVENT });
  return Object.fromEntries(
    events.map(([type, { summary, data, example }]) => [
      type,
      {
        post: {
          operationId: `on.${type}`,
          summary,
          tags: ['webhooks'],
          security: [],
          parameters: Object.entries(HEADERS).map(([name, description]) => ({
            name,
            in: 'header',
            required: true,
            description,
            schema: { type: 'string' },
          })),
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: jsonSchema(webhookBody(type, data), 'output'),
                example: { type, timestamp: '2026-11-30T09:41:07.512Z', data: example },
              },
            },
          },
          responses: {
            '2XX': {
              description: 'Received. Any other status, or none within 10 seconds, is tried again for three days.',
            },
            '410': { description: 'No more events are wanted: the webhook is disabled.' },
          },
        },
      },
    ]),
  );
}
