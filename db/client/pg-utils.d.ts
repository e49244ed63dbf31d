declare module 'pg/lib/utils.js' {
  /** A value as `pg` sends it as a parameter. */
  export function prepareValue(value: unknown): unknown;
}
