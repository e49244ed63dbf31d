import { isObject, isResponse, type Message } from './message.ts';

const ID = 'whitemagic-roots';
/** How long calls wait for a client that does not list its folders. */
const WAIT_MS = 1_000;

/**
 * Asks a client for its workspace folders (`roots/list`), once it is connected and whenever they change. Clients without the capability
 * are not asked, nor are those of protocol version 2026-07-28, which has no requests of the server.
 */
export class RootsRequest {
  readonly #write: (line: string) => void;
  readonly #onRoots: (uris: unknown[]) => void;
  #isOffered = false;
  #pending: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(write: (line: string) => void, onRoots: (uris: unknown[]) => void) {
    this.#write = write;
    this.#onRoots = onRoots;
  }

  /** Reads a message of the client. Returns true for a response to the own request, which must not be forwarded. */
  takes(message: Message): boolean {
    if (message.method === 'initialize') {
      const { capabilities } = message.params ?? {};
      this.#isOffered = isObject(capabilities) && isObject(capabilities.roots);
    }
    const isNews =
      message.method === 'notifications/initialized' || message.method === 'notifications/roots/list_changed';
    if (isNews && this.#isOffered) this.#ask();
    if (message.id !== ID || !isResponse(message)) return false;
    if (isObject(message.result) && Array.isArray(message.result.roots))
      this.#onRoots(message.result.roots.map((root: unknown) => (isObject(root) ? root.uri : undefined)));
    this.#pending?.resolve();
    this.#pending = undefined;
    return true;
  }

  /** Resolves when the folders are known, for the methods that depend on the project. */
  async settled(method: string): Promise<void> {
    if (method === 'tools/call' || method === 'resources/read') await this.#pending?.promise;
  }

  #ask(): void {
    if (this.#pending) return;
    let resolve = () => {};
    const promise = new Promise<void>((done) => {
      const timer = setTimeout(done, WAIT_MS);
      resolve = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.#pending = { promise, resolve };
    this.#write(JSON.stringify({ jsonrpc: '2.0', id: ID, method: 'roots/list' }));
  }
}
