import type { Cli } from '../cli.ts';

const WIDTH = 24;

/** Shows how far a long task is. */
export interface Progress {
  /** @param share from 0 to 1 */
  update(label: string, share: number): void;
  /** Removes the bar. */
  done(): void;
}

/** Creates a bar on a terminal; elsewhere each whole percent is a line of its own. */
export function createProgress({ status, note }: Pick<Cli, 'status' | 'note'>): Progress {
  let shown = '';
  return {
    update(label, share) {
      const percent = Math.min(100, Math.floor(100 * share));
      const text = `${label} ${percent} %`;
      if (text === shown) return;
      shown = text;
      const filled = Math.round((WIDTH * percent) / 100);
      if (status) status(`${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${text}`);
      else note(text);
    },
    done: () => status?.(''),
  };
}
