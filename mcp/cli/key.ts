import zlib from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const shape = /^(wm_[a-z0-9]+_)([0-9A-Za-z]{32})$/;

/** What can be said of a key without asking the service, and without showing it. */
export interface KeyLook {
  /** Prefix and last four characters, or a word. */
  shown: string;
  ok: boolean;
  remark: string;
}

/** Checks a key's form and its last six characters, the CRC32 of all before them: a typing error shows here already. */
export function lookAtKey(key: string | undefined): KeyLook {
  if (!key) return { shown: 'none', ok: false, remark: 'set WHITEMAGIC_API_KEY' };
  const prefix = shape.exec(key)?.[1];
  if (!prefix)
    return { shown: '(not shown)', ok: false, remark: 'does not look like wm_<env>_<32 letters and digits>' };
  const shown = `${prefix}…${key.slice(-4)}`;
  if (typeof zlib.crc32 !== 'function') return { shown, ok: true, remark: 'checksum not checked on this Node' };
  const ok = checksum(key.slice(0, -6)) === key.slice(-6);
  return { shown, ok, remark: ok ? 'checksum valid' : 'checksum NOT valid: copy the key again' };
}

function checksum(text: string): string {
  let digits = '';
  for (let rest = zlib.crc32(text); rest > 0; rest = Math.floor(rest / 62)) digits = base62[rest % 62] + digits;
  return digits.padStart(6, '0');
}
