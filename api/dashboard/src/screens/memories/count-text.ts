import { formatNumber } from '../../components/format.tsx';

/** Formats a number of memories: "1 memory", "12 memories". */
export function memoriesText(count: number): string {
  return `${formatNumber(count)} ${count === 1 ? 'memory' : 'memories'}`;
}
