import type { Figures, Latency, Measured } from './measure.ts';

/** Returns the figures as tables in Markdown. */
export function report(measured: readonly Measured[], questions: number, cores: number): string {
  const rows = measured.flatMap((one) => [
    ...one.sizes.map((figures) => rowOf(one.name, figures)),
    ...(one.stopped
      ? [`| ${one.name} | ${count(one.stopped.size)} | more than ${one.stopped.seconds} | – | – | – | – |`]
      : []),
  ]);
  const writers = measured.map(
    ({ name, first, together: { acknowledged, kept }, load }) =>
      `| ${name} | ${first.stored - first.kept} of ${first.stored} | ${acknowledged - kept} of ${acknowledged} | ${load.toFixed(1)} |`,
  );
  return [
    `| memory | memories | s to fill | store p50 / p95, ms | search p50 / p95, ms | R@10 of ${questions} questions | R@10 by the longest word |`,
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
    `| memory | lost of the first notes | lost of 50 stores at once | load on ${cores} cores |`,
    '|---|---|---|---|',
    ...writers,
  ].join('\n');
}

function rowOf(name: string, { size, fillSeconds, store, search, recall, recallByWord }: Figures): string {
  const cells = [
    count(size),
    fillSeconds.toFixed(1),
    both(store),
    both(search),
    recall.toFixed(1),
    recallByWord.toFixed(1),
  ];
  return `| ${name} | ${cells.join(' | ')} |`;
}

function both({ p50, p95 }: Latency): string {
  return `${milliseconds(p50)} / ${milliseconds(p95)}`;
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
