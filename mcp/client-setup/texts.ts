import type { ClientId } from './client-ids.ts';
import { clientOf, entryText } from './clients.ts';
import { type Connection, WRITTEN_FOLDERS } from './edits.ts';

/** Setup instruction for one client. */
export interface ClientSetup {
  id: string;
  client: string;
  /** Command that sets the client up and gets a key by itself. Missing where there is no client to set up. */
  command?: string;
  /** Whether to run the text, or which file to add it to. */
  how: string;
  text: string;
  /** Link that opens the client and adds the server there. */
  link?: string;
  /** Step after which the client's agent uses the memory without a question each time. */
  next?: string;
  /** False for a client that runs only on a desktop: its entry follows the client's documentation, and was not tried by us. */
  isTried: boolean;
}

/** A service and the key for it. */
export interface Access {
  /** Public URL of the service. */
  url: string;
  apiKey: string;
  /** Version of the service, which is that of the command line it serves. */
  version: string;
}

/** Returns the path at which the service serves the package of its command line. */
export function packagePath(version: string): string {
  return `/whitemagic-${version}.tgz`;
}

/** Returns the command that runs the command line of a service without an installation. */
export function npxCommand({ url, version }: Omit<Access, 'apiKey'>, args: string): string {
  return `npx -y ${url}${packagePath(version)} ${args}`;
}

/** Returns the command that sets up every client that is installed, or one of them. */
export function setupCommand(service: Omit<Access, 'apiKey'>, client?: ClientId): string {
  return npxCommand(service, `setup --url ${service.url}${client ? ` --client ${client}` : ''}`);
}

/**
 * Returns setup instructions for each client, the most used first. They hold in every folder of the user.
 * Runs in the service and in the browser.
 */
export function clientSetups(access: Access): ClientSetup[] {
  const { url, apiKey, version } = access;
  const mcp = `${url}/mcp`;
  const authorization = `Bearer ${apiKey}`;
  const headers = { Authorization: authorization };
  const header = `--header "Authorization: ${authorization}"`;
  const vscode = { name: 'whitemagic', type: 'http', url: mcp, headers };
  const http: Connection = { via: 'http', url, authorization };
  const bridge: Connection = {
    via: 'bridge',
    command: 'npx',
    args: ['-y', `${url}${packagePath(version)}`, 'mcp'],
    env: { WHITEMAGIC_URL: url, WHITEMAGIC_API_KEY: apiKey },
  };
  const base = (id: ClientId) => ({ id, client: clientOf(id).name, command: setupCommand(access, id) });
  const inFile = (id: ClientId, connection: Connection = http) => ({
    ...base(id),
    how: `put into ${clientOf(id).files(WRITTEN_FOLDERS)[0]}`,
    text: entryText(clientOf(id), connection),
  });
  const inTerminal = (id: ClientId, text: string) => ({ ...base(id), how: 'run in a terminal', text });
  return [
    {
      ...inTerminal('claude-code', `claude mcp add --scope user --transport http whitemagic ${mcp} ${header}`),
      next: 'Claude Code asks before each tool call. To allow them all, add "mcp__whitemagic" to permissions.allow in ~/.claude/settings.json.',
      isTried: true,
    },
    {
      ...inFile('claude-desktop', bridge),
      how: 'put into claude_desktop_config.json (Settings, Developer, Edit Config)',
      isTried: false,
    },
    {
      ...inFile('cursor'),
      link: `cursor://anysphere.cursor-deeplink/mcp/install?name=whitemagic&config=${base64({ url: mcp, headers })}`,
      isTried: false,
    },
    {
      ...inTerminal('vscode', `code --add-mcp '${JSON.stringify(vscode)}'`),
      link: `vscode:mcp/install?${encodeURIComponent(JSON.stringify(vscode))}`,
      isTried: false,
    },
    {
      ...inFile('codex'),
      text: `[mcp_servers.whitemagic]\nurl = "${mcp}"\nhttp_headers = { Authorization = "${authorization}" }`,
      isTried: true,
    },
    {
      ...inTerminal('gemini', `gemini mcp add --scope user --transport http --trust ${header} whitemagic ${mcp}`),
      isTried: true,
    },
    { ...inFile('opencode'), isTried: true },
    { ...inTerminal('copilot', `copilot mcp add --transport http ${header} whitemagic ${mcp}`), isTried: true },
    { ...inFile('windsurf'), isTried: false },
    { ...inFile('zed'), how: 'put into settings.json (command "zed: open settings file")', isTried: false },
    {
      ...base('jetbrains'),
      how: 'add as JSON under Settings, Tools, AI Assistant, Model Context Protocol',
      text: json({ mcpServers: { whitemagic: { url: mcp, headers } } }),
      isTried: false,
    },
    { ...inTerminal('cline', `cline mcp add whitemagic ${mcp} --transport http ${header} --yes`), isTried: true },
    { ...inTerminal('qwen', `qwen mcp add --transport http ${header} whitemagic ${mcp}`), isTried: true },
    { ...inFile('crush'), isTried: false },
    {
      id: 'other',
      client: 'Any MCP client',
      how: 'enter the address and the header, or put into its mcp.json',
      text: json({ mcpServers: { whitemagic: { type: 'http', url: mcp, headers } } }),
      isTried: true,
    },
    {
      id: 'curl',
      client: 'curl',
      how: 'run in a terminal',
      text: `curl ${url}/api/v1/user/me -H "Authorization: ${authorization}"`,
      isTried: true,
    },
  ];
}

/** A link that adds the bridge to a client; the key is that of `whitemagic login`. */
export interface InstallLink {
  client: string;
  /** Opens the client from a page that allows only https links, such as one of GitHub. */
  url: string;
}

/** Returns the links that install the bridge without a key in them. */
export function installLinks({ url, version }: Omit<Access, 'apiKey'>): InstallLink[] {
  const server = { command: 'npx', args: ['-y', `${url}${packagePath(version)}`, 'mcp'], env: { WHITEMAGIC_URL: url } };
  return [
    { client: 'Cursor', url: `https://cursor.com/en/install-mcp?name=whitemagic&config=${base64(server)}` },
    {
      client: 'VS Code',
      url: `https://vscode.dev/redirect/mcp/install?name=whitemagic&config=${encodeURIComponent(JSON.stringify({ type: 'stdio', ...server }))}`,
    },
  ];
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function base64(value: unknown): string {
  return encodeURIComponent(btoa(JSON.stringify(value)));
}
