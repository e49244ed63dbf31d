import { fileURLToPath } from 'node:url';

export interface WelcomeFacts {
  url: string;
  /** Shown when it is new and a person watches. */
  apiKey?: string;
  /** Where the bridge finds address and key; absolute. */
  dataDir?: string;
  color: boolean;
}

/** The lines that a first start prints: where things are, and what to paste to connect an IDE. Later starts print the addresses only. */
export function welcome({ url, apiKey, dataDir, color }: WelcomeFacts): string {
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
  const mcp = `${url}/mcp`;
  const authorization = `Bearer ${apiKey}`;
  const cursor = { mcpServers: { whitemagic: { url: mcp, headers: { Authorization: authorization } } } };
  const code = { name: 'whitemagic', type: 'http', url: mcp, headers: { Authorization: authorization } };
  return [
    `  ${bold('Your API key')} (shown once, kept in credentials.json of the data directory)`,
    `  ${apiKey}`,
    '',
    `  ${bold('Claude Code')}: run`,
    `  claude mcp add --transport http whitemagic ${mcp} --header "Authorization: ${authorization}"`,
    '',
    `  ${bold('Cursor')}: put into ~/.cursor/mcp.json`,
    `  ${JSON.stringify(cursor)}`,
    '',
    `  ${bold('VS Code')}: run`,
    `  code --add-mcp '${JSON.stringify(code)}'`,
    '',
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
