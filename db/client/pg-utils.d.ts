declare module 'pg/lib/utils.js' {
  /** Encodes a value as `pg` sends it as a parameter. */
  export function prepareValue(value: unknown): unknown;
}
