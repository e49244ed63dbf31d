import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 26;
const CHECKSUM_LENGTH = 6;
const KEY = /^wm_[a-z][a-z0-9]{0,9}_[0-9A-Za-z]{32}$/;

/**
 * Generates an API key: `wm_<env>_`, 26 random base62 characters (154 bits) and a checksum of 6, so that a mistyped or invented
 * key is rejected without a database query. Follows GitHub's token format.
 */
export function generateKey(environment: string): string {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  const body = `wm_${environment}_${random}`;
  return body + checksum(body);
}

/** Returns whether a string starts like a key. It may be mistyped or cut. */
export function hasKeyForm(text: string): boolean {
  return text.startsWith('wm_');
}

/** Returns whether a string has the form of a key and a valid checksum. The key need not exist. */
export function isWellFormedKey(key: string): boolean {
  if (!KEY.test(key)) return false;
  return checksum(key.slice(0, -CHECKSUM_LENGTH)) === key.slice(-CHECKSUM_LENGTH);
}

/** Returns the SHA-256 of a key, the only form in which it is stored. */
export function hashKey(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/** Returns the parts of a key that may be displayed: the fixed prefix and the last four characters. */
export function displayParts(key: string): { prefix: string; last4: string } {
  return { prefix: key.slice(0, key.lastIndexOf('_') + 1), last4: key.slice(-4) };
}

/** Returns the CRC32 of the text as six base62 characters. */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = ALPHABET[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
