import { createHash, randomBytes } from 'node:crypto';

/** Generates a secret of 256 random bits, as base64url, for a link or a cookie. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Returns the SHA-256 of a token, the only form in which it is stored. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
