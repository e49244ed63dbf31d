/** A row for the encoder: its token ids, without [CLS] and [SEP]. */
export interface Row {
  ids: readonly number[];
}

/** How far behind the oldest row others of about its length are looked for. */
const LOOK_AHEAD = 256;

/**
 * Takes the next batch out of the waiting rows: the oldest, so that none waits for ever, and those nearest to it in
 * length, so that little is spent on padding; together at most `tokensMax` tokens after padding (one row always fits).
 */
export function takeBatch<T extends Row>(waiting: T[], tokensMax: number): T[] {
  const oldest = waiting[0];
  if (!oldest) return [];
  const distance = (row: T) => Math.abs(row.ids.length - oldest.ids.length);
  const candidates = waiting.slice(1, LOOK_AHEAD).sort((a, b) => distance(a) - distance(b));
  const batch = [oldest];
  let width = oldest.ids.length + 2;
  for (const row of candidates) {
    width = Math.max(width, row.ids.length + 2);
    if (width * (batch.length + 1) > tokensMax) break;
    batch.push(row);
  }
  const taken = new Set(batch);
  waiting.splice(0, waiting.length, ...waiting.filter((row) => !taken.has(row)));
  return batch;
}
