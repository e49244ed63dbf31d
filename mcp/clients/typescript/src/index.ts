import { Resources } from './generated/resources.ts';
import { type ClientOptions, Transport } from './transport.ts';

/**
 * Client of the REST API.
 *
 * @example
 * const memory = new WhiteMagic({ baseUrl: 'https://memory.example.com', apiKey: 'wm_…' });
 * await memory.memories.create({ content: 'We deploy on Fridays.' });
 */
export class WhiteMagic extends Resources {
  constructor(options: ClientOptions) {
    super(new Transport(options));
  }
}

export * from './errors.ts';
export type * from './generated/types.ts';
export type { CallOptions, ClientOptions, Paged } from './transport.ts';
export { type VerifyOptions, verifyWebhook } from './webhooks.ts';
