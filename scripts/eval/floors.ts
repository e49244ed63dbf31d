import { z } from 'zod';
import type { CategoryResult } from './score.ts';

const percent = z.number().min(0).max(100);

/** The file `floors.json` of a set: for each category the least values of its measures, and bounds of `low_confidence`, in percent. */
export const floorsFile = z.record(
  z.string(),
  z.strictObject({
    'nDCG@10': percent.optional(),
    'R@10': percent.optional(),
    lowConfidenceMax: percent.optional(),
    lowConfidenceMin: percent.optional(),
  }),
);
export type Floors = z.output<typeof floorsFile>;

/** Lists the measures that miss their bounds, one line each. A category without questions misses its floors too. */
export function findBelowFloors(categories: Readonly<Record<string, CategoryResult>>, floors: Floors): string[] {
  return Object.entries(floors).flatMap(([name, floor]) => {
    const { summary, lowConfidence = null } = categories[name] ?? {};
    const below = (measure: string, value: number | null | undefined, least: number | undefined) =>
      least !== undefined && 100 * (value ?? 0) < least ? [`${name}: ${measure} ${format(value)}, floor ${least}`] : [];
    const most = floor.lowConfidenceMax;
    return [
      ...below('nDCG@10', summary?.means['nDCG@10'], floor['nDCG@10']),
      ...below('R@10', summary?.means['R@10'], floor['R@10']),
      ...below('low_confidence', lowConfidence, floor.lowConfidenceMin),
      ...(most !== undefined && 100 * (lowConfidence ?? 1) > most
        ? [`${name}: low_confidence ${format(lowConfidence)}, at most ${most}`]
        : []),
    ];
  });
}

function format(share: number | null | undefined): string {
  return share === undefined || share === null ? 'not measured' : (100 * share).toFixed(1);
}
