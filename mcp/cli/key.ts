import zlib from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const shape = /^(wm_[a-z0-9]+_)([0-9A-Za-z]{32})$/;

/** Result of a local check of an API key, without the key itself. */
interface KeyInspection {
  /** Prefix and last four characters, or a placeholder. */
  shown: string;
  ok: boolean;
  remark: string;
}

/** Checks the format of a key, and its last six characters, which are the CRC32 of the rest: this finds typing errors. */
export function inspectKey(key: string | undefined): KeyInspection {
  if (!key) return { shown: 'none', ok: false, remark: 'set WHITEMAGIC_API_KEY' };
  const prefix = shape.exec(key)?.[1];
  if (!prefix)
    return { shown: '(not shown)', ok: false, remark: 'is not of the form wm_<env>_<32 letters and digits>' };
  const shown = `${prefix}…${key.slice(-4)}`;
  if (typeof zlib.crc32 !== 'function')
    return { shown, ok: true, remark: 'checksum not checked: this Node has no zlib.crc32' };
  const ok = checksum(key.slice(0, -6)) === key.slice(-6);
  return { shown, ok, remark: ok ? 'checksum valid' : 'checksum NOT valid: copy the key again' };
}

function checksum(text: string): string {
  let digits = '';
  for (let rest = zlib.crc32(text); rest > 0; rest = Math.floor(rest / 62)) digits = base62[rest % 62] + digits;
  return digits.padStart(6, '0');
}
