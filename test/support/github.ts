import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A fake of GitHub's secret scanning: publishes public keys and signs reports. */
export interface TestGithub {
  /** Value for GITHUB_META_URL. */
  url: string;
  /** Number of requests for its public keys. */
  reads(): number;
  /** Sets the response to the next requests: the keys, or an error status. */
  behave(how: 'succeed' | number): void;
  /** Signs with a new key from now on. Publishes all keys. */
  rotate(): void;
  /** Returns the signature headers of a body. */
  sign(body: string | Buffer): Record<string, string>;
  close(): Promise<void>;
}

export async function startGithub(): Promise<TestGithub> {
  const newPair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pairs = [newPair()];
  let reads = 0;
  let how: 'succeed' | number = 'succeed';
  const identifierOf = (n: number) => `key-${n}`;
  const server = createServer((_request, response) => {
    reads++;
    if (how !== 'succeed') {
      response.writeHead(how).end('not now');
      return;
    }
    const public_keys = pairs.map(({ publicKey }, n) => ({
      key_identifier: identifierOf(n),
      key: publicKey.export({ type: 'spki', format: 'pem' }),
      is_current: n === pairs.length - 1,
    }));
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ public_keys }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/meta/public_keys/secret_scanning`,
    reads: () => reads,
    behave(next) {
      how = next;
    },
    rotate() {
      pairs.push(newPair());
    },
    sign(body) {
      const pair = pairs.at(-1) as (typeof pairs)[number];
      return {
        'Github-Public-Key-Identifier': identifierOf(pairs.length - 1),
        'Github-Public-Key-Signature': createSign('sha256').update(body).sign(pair.privateKey, 'base64'),
      };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
