import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An endpoint with OpenAI's `/embeddings` protocol. */
export interface EmbeddingEndpoint {
  url: string;
  /** The inputs of each request, in order. */
  requests: string[][];
  /** Returns the status of a request; 200 by default. May wait. */
  statusOf: (inputs: string[]) => number | Promise<number>;
  close(): Promise<void>;
}

export async function startEmbeddingEndpoint(): Promise<EmbeddingEndpoint> {
  const requests: string[][] = [];
  const server = createServer(async (request, response) => {
    const { input } = JSON.parse(await text(request)) as { input: string[] };
    requests.push(input);
    const status = await endpoint.statusOf(input);
    const data = input.map((one, index) => ({ index, embedding: [one.length, 3, 4] }));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: EmbeddingEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    statusOf: () => 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return endpoint;
}
