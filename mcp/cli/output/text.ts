import { styleText } from 'node:util';
import type { Cli } from '../cli.ts';

/** Control characters, with which a stored text could change the terminal, its title or the clipboard. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

/** Returns a stored text as it can be printed: without control characters other than tab and line feed. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROL, '');
}

/** Returns a stored text on one line, cut to a number of characters. */
export function oneLine(text: string, charactersMax = Number.POSITIVE_INFINITY): string {
  const characters = [...printable(text).replace(/\s+/gu, ' ').trim()];
  if (characters.length <= charactersMax) return characters.join('');
  return `${characters.slice(0, Math.max(0, charactersMax - 1)).join('')}…`;
}

/** Styles of a terminal. Elsewhere, and with `NO_COLOR`, they change nothing. */
export function stylesOf({ columns, env }: Pick<Cli, 'columns' | 'env'>) {
  const isColored = columns !== undefined && !env.NO_COLOR && env.TERM !== 'dumb';
  const style = (format: 'bold' | 'dim' | 'green' | 'red') => (text: string) =>
    isColored ? styleText(format, text, { validateStream: false }) : text;
  return { bold: style('bold'), dim: style('dim'), good: style('green'), bad: style('red') };
}

/** Returns the day of a timestamp. */
export function day(timestamp: string): string {
  return timestamp.slice(0, 10);
}

/** Returns a number of bytes in words. */
export function bytes(count: number): string {
  const unit = ['B', 'kB', 'MB', 'GB'][Math.min(3, Math.floor(Math.log10(Math.max(1, count)) / 3))] as string;
  const value = count / 1_000 ** ['B', 'kB', 'MB', 'GB'].indexOf(unit);
  return `${value >= 100 || unit === 'B' ? Math.round(value) : value.toFixed(1)} ${unit}`;
}
