import type { Command } from 'commander';
import { resolveTarget } from '../bridge/target.ts';
import { type Cli, CommandError, settingsOf } from '../cli.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Pages of the dashboard, and of the service. */
const PAGES: Record<string, string> = {
  dashboard: '/app',
  memories: '/app/memories',
  usage: '/app/usage',
  keys: '/app/keys',
  connect: '/app/connect',
  docs: '/docs',
};

/** Adds `whitemagic open`. */
export function addOpen(program: Command, cli: Cli): void {
  program
    .command('open')
    .summary('open the dashboard, one of its pages or a memory in the browser')
    .argument('[page]', `${Object.keys(PAGES).join(', ')}, or the id of a memory`, 'dashboard')
    .option('--url <url>', 'address of the service')
    .option('--no-browser', 'print the address instead of opening it')
    .action((page: string, { url, browser }: { url?: string; browser: boolean }) => {
      const path = UUID.test(page) ? `/app/memories/${page}` : PAGES[page];
      if (path === undefined)
        throw new CommandError(`${page}: must be one of ${Object.keys(PAGES).join(', ')}, or an id`, 2);
      const { base } = resolveTarget({ ...settingsOf(cli, url), key: 'none' });
      const isOpen = browser && cli.openBrowser(base + path);
      cli[isOpen ? 'note' : 'print'](`${isOpen ? 'Your browser opens ' : ''}${base}${path}`);
    });
}
