/** State of the screen Keys in the URL. */
export interface KeysSearch {
  /** Id of the key that is edited. */
  key?: string;
  /** Shows keys that were revoked or have expired. */
  all?: boolean;
}

/** Reads the state of the screen Keys from the URL. */
export function readKeysSearch({ key, all }: Record<string, unknown>): KeysSearch {
  return { ...(typeof key === 'string' && { key }), ...(all === true && { all }) };
}
