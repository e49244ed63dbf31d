import { Readable } from 'node:stream';
import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';

/** Ending of the names of encrypted archives. */
export const ENCRYPTED = '.age';

/** Encrypts a stream for a recipient (`age1…`), in the format of the tool `age`. */
export async function encryptStream(bytes: Readable, recipient: string): Promise<Readable> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const encrypted = await encrypter.encrypt(Readable.toWeb(bytes) as ReadableStream<Uint8Array>);
  return Readable.fromWeb(encrypted as Parameters<typeof Readable.fromWeb>[0]);
}

/**
 * Decrypts a stream with an identity (`AGE-SECRET-KEY-1…`).
 * @throws when it was encrypted for another recipient
 */
export async function decryptStream(bytes: Readable, identity: string): Promise<Readable> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const decrypted = await decrypter.decrypt(Readable.toWeb(bytes) as ReadableStream<Uint8Array>);
  return Readable.fromWeb(decrypted as Parameters<typeof Readable.fromWeb>[0]);
}

/** Creates a key pair: the recipient stays with the service, the identity away from it. */
export async function createKeyPair(): Promise<{ recipient: string; identity: string }> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}
