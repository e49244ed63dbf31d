import { fileURLToPath } from 'node:url';
import { clientSetups } from './keys/client-setup.ts';

export interface BannerOptions {
  url: string;
  /** Shown when it is new and a person watches. */
  apiKey?: string;
  /** Where the bridge finds address and key; absolute. */
  dataDir?: string;
  color: boolean;
}

/** The lines that a first start prints: where things are, and what to paste to connect an IDE. Later starts print the addresses only. */
export function startupBanner({ url, apiKey, dataDir, color }: BannerOptions): string {
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const addresses = [
    '',
    bold('WhiteMagic is running.'),
    '',
    `  API        ${url}/api/v1`,
    `  MCP        ${url}/mcp`,
    `  Reference  ${url}/docs`,
    '',
  ];
  return [...addresses, ...(apiKey ? connectLines(url, apiKey, dataDir, bold) : [])].join('\n');
}

/** Ready-made lines for each IDE. They work from any folder: by the address and the key, or by the path of the bridge in this checkout. */
function connectLines(
  url: string,
  apiKey: string,
  dataDir: string | undefined,
  bold: (text: string) => string,
): string[] {
  const bridge = { command: 'node', args: [bridgePath(), 'mcp'], ...(dataDir && { env: { DATA_DIR: dataDir } }) };
  return [
    `  ${bold('Your API key')} (shown once, kept in credentials.json of the data directory)`,
    `  ${apiKey}`,
    '',
    ...clientSetups(url, apiKey).flatMap(({ client, how, text }) => [
      `  ${bold(client)}: ${how}`,
      ...text.split('\n').map((line) => `  ${line}`),
      '',
    ]),
    `  ${bold('Any client that starts a program')} (stdio)`,
    `  ${JSON.stringify(bridge)}`,
    '',
  ];
}

/** The bridge of this checkout: built beside the running service, or, from the sources, where the build puts it. */
export function bridgePath(): string {
  const built = import.meta.url.includes('/dist/') ? '../mcp/cli/whitemagic.js' : '../dist/mcp/cli/whitemagic.js';
  return fileURLToPath(new URL(built, import.meta.url));
}
