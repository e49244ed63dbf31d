/** A file that cannot be imported at all. The message says why, for people. */
export class ImportFailure extends Error {
  override name = 'ImportFailure';
}
