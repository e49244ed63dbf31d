import { createServer } from 'node:http';
import { verifyWebhook, WebhookVerificationError } from '../src/index.ts';

const secret = process.env.WEBHOOK_SECRET ?? '';

/** Accepts what is signed with the secret, and prints the events. */
export const server = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  try {
    const event = await verifyWebhook(body, request.headers, secret);
    response.writeHead(204).end();
    if (event.type === 'memory.created') console.log(`stored ${event.data.id}`);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    response.writeHead(401).end();
  }
});

server.listen(Number(process.env.PORT ?? 8080));
