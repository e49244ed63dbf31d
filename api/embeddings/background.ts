import { type Embedder, embedDocuments } from './embedder.ts';

/** How similar texts are in a model that have nothing to do with each other. */
export interface Background {
  /** Mean of the vectors: its dot product with a query's vector is the mean similarity of the query. */
  mean: Float32Array;
  /** Standard deviation of the similarities of two texts, from their quartiles: a few near-duplicates do not count. */
  spread: number;
}

/** Vectors from which a background is computed, and the least number for it. */
export const BACKGROUND_VECTORS = { most: 64, least: 24 } as const;

/** A normal distribution has half of its values within 0.6745 standard deviations of the mean. */
const QUARTILES_APART = 2 * 0.6745;

/** Computes the background of texts from their vectors; undefined for too few, and for a model that gives all texts one vector. */
export function backgroundOf(vectors: readonly Float32Array[]): Background | undefined {
  if (vectors.length < BACKGROUND_VECTORS.least) return undefined;
  const mean = new Float32Array((vectors[0] as Float32Array).length);
  for (const vector of vectors) {
    for (let k = 0; k < mean.length; k++) mean[k] = (mean[k] as number) + (vector[k] as number) / vectors.length;
  }
  const similarities = vectors.flatMap((vector, index) => vectors.slice(0, index).map((other) => dot(vector, other)));
  similarities.sort((a, b) => a - b);
  const at = (share: number) => similarities[Math.floor(share * (similarities.length - 1))] as number;
  const spread = (at(0.75) - at(0.25)) / QUARTILES_APART;
  return spread > 1e-4 ? { mean, spread } : undefined;
}

/** Computes the dot product of two vectors of equal length. */
export function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
}

/** Texts about different things, as memories are. */
const TEXTS = [
  'The build fails on Windows because the path of the temporary folder contains a space.',
  'Anna prefers tea to coffee and never eats before ten in the morning.',
  'Invoices are due thirty days after delivery; a reminder is sent after forty.',
  'The staging database is reset every Sunday night from the latest backup.',
  'We chose a message queue over polling because orders arrived too late.',
  'The ferry to the island leaves at half past eight and takes two hours.',
  'Use four spaces, no tabs, and keep lines below one hundred characters.',
  'The patient was given antibiotics for a week and recovered completely.',
  'Error 1062: duplicate entry for key email in table customers.',
  'My brother moved to Toronto last spring and works in a bakery there.',
  'git rebase --onto main feature~3 feature drops the first commits of a branch.',
  'The concert was cancelled since the singer had lost her voice.',
  'Passwords are hashed with argon2id and a memory cost of 64 megabytes.',
  'The old bridge was closed after cracks had been found in two pillars.',
  'Marketing wants the new logo on every slide before the fair in June.',
  'Tomatoes need six hours of sun a day and water at their roots.',
  'The contract with the hosting company ends in December and renews by itself.',
  'A request that takes longer than ten seconds is cancelled by the proxy.',
  'He scored twice in the second half, and the team went to the final.',
  'Keep the thermostat at nineteen degrees at night to save energy.',
  'The function returns null when the cache is cold; callers must load the value.',
  'Her thesis compares the trade of medieval Venice with that of Genoa.',
  'Only two people may approve payments above five thousand euros.',
  'The dog is afraid of fireworks and hides below the kitchen table.',
  'Python 3.12 removed distutils, so the installer needs setuptools.',
  'The museum is free on the first Sunday of each month.',
  'Logs older than two weeks are moved to cold storage and kept for a year.',
  'The recipe takes a pound of flour, two eggs and a pinch of salt.',
  'On call this week: Pedro during the day, Mei at night.',
  'The rover found traces of water below the surface of the crater.',
  'Feature flags are evaluated on the server and never in the browser.',
  'They adopted a girl from the village and named her after her grandmother.',
];

const ofModels = new WeakMap<Embedder, { background: Background | undefined }>();

/** Returns the background of a model for texts in general: undefined until it is computed, which the first call starts. */
export function modelBackground(embedder: Embedder): Background | undefined {
  const known = ofModels.get(embedder);
  if (known) return known.background;
  const entry: { background: Background | undefined } = { background: undefined };
  ofModels.set(embedder, entry);
  embedDocuments(embedder, TEXTS, { once: true }).then(
    (documents) => {
      entry.background = backgroundOf(documents.flatMap(([chunk]) => (chunk ? [chunk.vector] : [])));
    },
    // The next search tries it again.
    () => ofModels.delete(embedder),
  );
  return undefined;
}
