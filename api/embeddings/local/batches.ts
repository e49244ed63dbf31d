/** An input of the encoder: token ids, without [CLS] and [SEP]. */
export interface Row {
  ids: readonly number[];
}

/** Number of waiting rows that are searched for rows of similar length. */
const LOOK_AHEAD = 256;

/**
 * Removes the next batch from the waiting rows: the oldest row, so that none waits forever, and those closest to it in
 * length, to minimize padding. A batch has at most `tokensMax` tokens including padding; a single row always fits.
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
