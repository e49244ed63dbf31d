import { createHash, randomBytes } from 'node:crypto';

/** A new secret of 256 random bits, as base64url, for a link or a cookie. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 of a token: all that is stored of it. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
