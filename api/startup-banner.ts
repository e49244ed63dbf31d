import { fileURLToPath } from 'node:url';
import { clientSetups } from '../mcp/client-setup/texts.ts';
import { SIGN_IN_LINK_MINUTES } from './auth/sign-in-links.ts';
import { VERSION } from './version.ts';

interface BannerOptions {
  url: string;
  /** Set when it is new and the output is a terminal. */
  apiKey?: string;
  /** URL that signs a browser in, once. */
  signInUrl?: string;
  /** Absolute path of the directory in which the bridge finds URL and key. */
  dataDir?: string;
}

/** Returns the lines printed at a terminal at startup: URLs and, on the first start, how to connect an IDE. */
export function startupBanner({ url, apiKey, signInUrl, dataDir }: BannerOptions): string {
  const addresses = [
    '',
    bold('WhiteMagic is running.'),
    '',
    `  API        ${url}/api/v1`,
    `  MCP        ${url}/mcp`,
    `  Reference  ${url}/docs`,
    '',
    ...(signInUrl ? dashboardLines(signInUrl) : []),
  ];
  return [...addresses, ...(apiKey ? connectLines(url, apiKey, dataDir) : [])].join('\n');
}

function dashboardLines(signInUrl: string): string[] {
  return [
    `  ${bold('Dashboard')} (this link signs you in once, within ${SIGN_IN_LINK_MINUTES} minutes; \`npm run dashboard\` prints another)`,
    `  ${signInUrl}`,
    '',
  ];
}

function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`;
}

/** The clients of the banner. The page at `/mcp` has all. */
const AT_START = ['claude-code', 'cursor', 'vscode', 'codex', 'curl'];

/** Returns copyable setup lines for some IDEs, which work from any folder. */
function connectLines(url: string, apiKey: string, dataDir: string | undefined): string[] {
  const bridge = { command: 'node', args: [bridgePath(), 'mcp'], ...(dataDir && { env: { DATA_DIR: dataDir } }) };
  return [
    `  ${bold('Your API key')} (shown once, kept in credentials.json of the data directory)`,
    `  ${apiKey}`,
    '',
    ...clientSetups({ url, apiKey, version: VERSION })
      .filter(({ id }) => AT_START.includes(id))
      .flatMap(({ client, how, text }) => [
        `  ${bold(client)}: ${how}`,
        ...text.split('\n').map((line) => `  ${line}`),
        '',
      ]),
    `  ${bold('Any client that starts a program')} (stdio)`,
    `  ${JSON.stringify(bridge)}`,
    '',
  ];
}

/** Returns the path of this checkout's bridge: beside a built service, or in `dist/` when running from the sources. */
export function bridgePath(): string {
  const built = import.meta.url.includes('/dist/') ? '../mcp/cli/whitemagic.js' : '../dist/mcp/cli/whitemagic.js';
  return fileURLToPath(new URL(built, import.meta.url));
}
