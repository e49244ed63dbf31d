/** Targets of the public sets with the default configuration: nDCG@10 and R@10 in percent. */
export const TARGETS: Record<string, [ndcg: number, recall: number]> = {
  locomo_turns: [54, 73],
  locomo_obs: [67, 80],
  beam100k_user: [54, 62],
  beam100k: [47, 53],
  cranfield: [44, 49],
  cosqa: [54, 78],
};

/** Targets for the mean of these sets, with an encoder and lexical only. */
export const MEAN_TARGET: [number, number] = [53.5, 66];
export const LEXICAL_MEAN_TARGET: [number, number] = [48, 58];
