import { hash } from 'node:crypto';

/** Returns the SHA-256 digest of a license key: the only form in which it is stored. */
export function hashLicenseKey(licenseKey: string): Buffer {
  return hash('sha256', licenseKey, 'buffer');
}
