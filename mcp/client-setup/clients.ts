import { type ClientId, SERVER_NAME } from './client-ids.ts';
import type { Connection, Edit, Folders, Json } from './edits.ts';

/** A client: its files, and the form of its entries. Runs in the service, in a browser and in the command line. */
export interface Client {
  id: ClientId;
  name: string;
  /** Programs whose presence on the PATH shows that the client is installed. */
  programs: string[];
  /** Files and folders whose presence shows that the client is installed or was used. */
  traces(folders: Folders): string[];
  /** Files that may hold the entry: the first that exists is used, or else the first. */
  files(folders: Folders): string[];
  format: 'json' | 'toml';
  /** Path of keys of the servers in the file. */
  serversAt: string[];
  /** Returns the value of the entry. */
  entry(connection: Connection, tools: readonly string[]): Json;
  /** Whether the client can send a header to an address; otherwise it can only start programs. */
  hasHttp: boolean;
  /** Returns the changes that let these tools run without a question, beyond what the entry says. */
  allow?(folders: Folders, tools: readonly string[]): Edit[];
  /** File of instructions for every project of the user. */
  rules?(folders: Folders): string;
  /** The step that is left to the person after the change. */
  next: string;
}

const RESTART = 'Restart it.';

/** Every client, the most used first. */
export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    programs: ['claude'],
    traces: (folders) => [claudeFolder(folders), claudeFile(folders)],
    files: (folders) => [claudeFile(folders)],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: (connection) => typed(connection, { http: 'http', bridge: 'stdio' }),
    hasHttp: true,
    allow: (folders, tools) => [
      {
        kind: 'items',
        file: `${claudeFolder(folders)}/settings.json`,
        at: ['permissions', 'allow'],
        items: tools.map((tool) => `mcp__${SERVER_NAME}__${tool}`),
        isOurs: isClaudeTool,
      },
    ],
    rules: (folders) => `${claudeFolder(folders)}/CLAUDE.md`,
    next: 'Restart open sessions.',
  },
  {
    id: 'claude-desktop',
    name: 'Claude Desktop',
    programs: [],
    traces: ({ appData }) => [`${appData}/Claude`],
    files: ({ appData }) => [`${appData}/Claude/claude_desktop_config.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: plain,
    hasHttp: false,
    next: 'Quit and start it again.',
  },
  {
    id: 'cursor',
    name: 'Cursor',
    programs: ['cursor', 'cursor-agent'],
    traces: ({ home }) => [`${home}/.cursor`],
    files: ({ home }) => [`${home}/.cursor/mcp.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: plain,
    hasHttp: true,
    allow: ({ home }, tools) => [
      {
        kind: 'items',
        file: `${home}/.cursor/permissions.json`,
        at: ['mcpAllowlist'],
        items: tools.map((tool) => `${SERVER_NAME}:${tool}`),
        isOurs: startsWith(`${SERVER_NAME}:`),
        // A list in this file replaces the one of the settings screen.
        onlyIfPresent: true,
      },
      {
        kind: 'items',
        file: `${home}/.cursor/cli-config.json`,
        at: ['permissions', 'allow'],
        items: tools.map((tool) => `Mcp(${SERVER_NAME}:${tool})`),
        isOurs: startsWith(`Mcp(${SERVER_NAME}:`),
        onlyIfPresent: true,
      },
    ],
    next: RESTART,
  },
  {
    id: 'vscode',
    name: 'VS Code',
    programs: ['code'],
    traces: ({ appData }) => [`${appData}/Code/User`],
    files: ({ appData }) => [`${appData}/Code/User/mcp.json`],
    format: 'json',
    serversAt: ['servers'],
    entry: (connection) => typed(connection, { http: 'http', bridge: 'stdio' }),
    hasHttp: true,
    next: 'Open the chat in agent mode, and start the server when asked.',
  },
  {
    id: 'codex',
    name: 'Codex',
    programs: ['codex'],
    traces: (folders) => [codexFolder(folders)],
    files: (folders) => [`${codexFolder(folders)}/config.toml`],
    format: 'toml',
    serversAt: ['mcp_servers'],
    entry: (connection, tools) => ({
      ...(connection.via === 'http'
        ? { url: mcpUrl(connection), http_headers: { Authorization: connection.authorization } }
        : program(connection)),
      ...(tools.length > 0 && {
        tools: Object.fromEntries(tools.map((tool) => [tool, { approval_mode: 'approve' }])),
      }),
    }),
    hasHttp: true,
    rules: (folders) => `${codexFolder(folders)}/AGENTS.md`,
    next: 'Restart open sessions.',
  },
  {
    id: 'gemini',
    name: 'Gemini CLI',
    programs: ['gemini'],
    traces: ({ home }) => [`${home}/.gemini/settings.json`],
    files: ({ home }) => [`${home}/.gemini/settings.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: httpUrl,
    hasHttp: true,
    allow: ({ home }, tools) => [
      {
        kind: 'file',
        file: `${home}/.gemini/policies/${SERVER_NAME}.toml`,
        content: [
          '# Written by "whitemagic setup": tools that run without a question.',
          '[[rule]]',
          `mcpName = "${SERVER_NAME}"`,
          `toolName = [${tools.map((tool) => JSON.stringify(tool)).join(', ')}]`,
          'decision = "allow"',
          'priority = 100',
          '',
        ].join('\n'),
      },
    ],
    rules: ({ home }) => `${home}/.gemini/GEMINI.md`,
    next: 'Restart open sessions.',
  },
  {
    id: 'opencode',
    name: 'OpenCode',
    programs: ['opencode'],
    traces: ({ xdg }) => [`${xdg}/opencode`],
    files: ({ xdg }) => [`${xdg}/opencode/opencode.json`, `${xdg}/opencode/opencode.jsonc`],
    format: 'json',
    serversAt: ['mcp'],
    entry: (connection): Json =>
      connection.via === 'http'
        ? { type: 'remote', url: mcpUrl(connection), oauth: false, headers: headersOf(connection), enabled: true }
        : {
            type: 'local',
            command: [connection.command, ...connection.args],
            ...(Object.keys(connection.env).length > 0 && { environment: connection.env }),
            enabled: true,
          },
    hasHttp: true,
    rules: ({ xdg }) => `${xdg}/opencode/AGENTS.md`,
    next: 'Restart open sessions.',
  },
  {
    id: 'copilot',
    name: 'Copilot CLI',
    programs: ['copilot'],
    traces: (folders) => [copilotFolder(folders)],
    files: (folders) => [`${copilotFolder(folders)}/mcp-config.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    // It runs tools that only read without a question.
    entry: (connection) => ({ ...typed(connection, { http: 'http', bridge: 'local' }), tools: ['*'] }),
    hasHttp: true,
    next: 'Restart open sessions.',
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    programs: ['windsurf'],
    traces: ({ home }) => [`${home}/.codeium/windsurf`],
    files: ({ home }) => [`${home}/.codeium/windsurf/mcp_config.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: (connection) =>
      connection.via === 'http'
        ? { serverUrl: mcpUrl(connection), headers: headersOf(connection) }
        : program(connection),
    hasHttp: true,
    rules: ({ home }) => `${home}/.codeium/windsurf/memories/global_rules.md`,
    next: RESTART,
  },
  {
    id: 'zed',
    name: 'Zed',
    programs: ['zed', 'zeditor'],
    traces: (folders) => [zedFolder(folders)],
    files: (folders) => [`${zedFolder(folders)}/settings.json`],
    format: 'json',
    serversAt: ['context_servers'],
    entry: plain,
    hasHttp: true,
    allow: (folders, tools) =>
      tools.map((tool) => ({
        kind: 'set',
        format: 'json',
        file: `${zedFolder(folders)}/settings.json`,
        at: ['agent', 'tool_permissions', 'tools', `mcp:${SERVER_NAME}:${tool}`],
        value: { default: 'allow' },
      })),
    next: 'Nothing more: it reads its settings when they change.',
  },
  {
    id: 'jetbrains',
    name: 'JetBrains',
    programs: ['junie'],
    traces: ({ home, appData }) => [`${home}/.junie`, `${appData}/JetBrains`],
    files: ({ home }) => [`${home}/.junie/mcp/mcp.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: plain,
    hasHttp: false,
    next: 'Restart the IDE. AI Assistant takes the same entry under Settings, Tools, AI Assistant, Model Context Protocol.',
  },
  {
    id: 'cline',
    name: 'Cline',
    programs: ['cline'],
    traces: (folders) => [
      `${clineFolder(folders)}`,
      `${folders.appData}/Code/User/globalStorage/saoudrizwan.claude-dev`,
    ],
    files: (folders) => [
      `${clineFolder(folders)}/data/settings/cline_mcp_settings.json`,
      `${folders.appData}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json`,
    ],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: (connection, tools) => ({
      ...typed(connection, { http: 'streamableHttp', bridge: 'stdio' }),
      disabled: false,
      autoApprove: [...tools],
    }),
    hasHttp: true,
    next: RESTART,
  },
  {
    id: 'qwen',
    name: 'Qwen Code',
    programs: ['qwen'],
    traces: ({ home }) => [`${home}/.qwen`],
    files: ({ home }) => [`${home}/.qwen/settings.json`],
    format: 'json',
    serversAt: ['mcpServers'],
    entry: httpUrl,
    hasHttp: true,
    allow: ({ home }, tools) => [
      {
        kind: 'items',
        file: `${home}/.qwen/settings.json`,
        at: ['permissions', 'allow'],
        items: tools.map((tool) => `mcp__${SERVER_NAME}__${tool}`),
        isOurs: isClaudeTool,
      },
    ],
    rules: ({ home }) => `${home}/.qwen/QWEN.md`,
    next: 'Restart open sessions.',
  },
  {
    id: 'crush',
    name: 'Crush',
    programs: ['crush'],
    traces: ({ xdg }) => [`${xdg}/crush`],
    files: ({ xdg }) => [`${xdg}/crush/crush.json`],
    format: 'json',
    serversAt: ['mcp'],
    entry: (connection) => typed(connection, { http: 'http', bridge: 'stdio' }),
    hasHttp: true,
    allow: ({ xdg }, tools) => [
      {
        kind: 'items',
        file: `${xdg}/crush/crush.json`,
        at: ['permissions', 'allowed_tools'],
        items: tools.map((tool) => `mcp_${SERVER_NAME}_${tool}`),
        isOurs: startsWith(`mcp_${SERVER_NAME}_`),
      },
    ],
    next: 'Restart open sessions.',
  },
];

/** Returns a client by its id. @throws Error for an unknown id */
export function clientOf(id: ClientId): Client {
  const client = CLIENTS.find((candidate) => candidate.id === id);
  if (!client) throw new Error(`unknown client ${id}`);
  return client;
}

/** Returns the text that a person adds to the client's JSON file. */
export function entryText(client: Client, connection: Connection): string {
  const entry: Json = { [SERVER_NAME]: client.entry(connection, []) };
  const whole = [...client.serversAt].reverse().reduce<Json>((value, key) => ({ [key]: value }), entry);
  return JSON.stringify(whole, null, 2);
}

type HttpConnection = Extract<Connection, { via: 'http' }>;

/** Returns the address of the MCP server. A project whose name a header cannot hold is in the query. */
function mcpUrl({ url, project }: HttpConnection): string {
  return project === undefined ? `${url}/mcp` : `${url}/mcp?${new URLSearchParams({ project })}`;
}

function headersOf({ authorization }: HttpConnection): { [name: string]: string } {
  return { Authorization: authorization };
}

function program(connection: Exclude<Connection, HttpConnection>): { [key: string]: Json } {
  const { command, args, env } = connection;
  return { command, args, ...(Object.keys(env).length > 0 && { env }) };
}

function plain(connection: Connection): { [key: string]: Json } {
  return connection.via === 'http' ? { url: mcpUrl(connection), headers: headersOf(connection) } : program(connection);
}

function typed(connection: Connection, types: { http: string; bridge: string }): { [key: string]: Json } {
  return { type: types[connection.via], ...plain(connection) };
}

/** Returns the entry of Gemini CLI and its relatives, whose `url` would mean the former transport. */
function httpUrl(connection: Connection): { [key: string]: Json } {
  return connection.via === 'http'
    ? { httpUrl: mcpUrl(connection), headers: headersOf(connection) }
    : program(connection);
}

/** Recognizes `mcp__whitemagic`, which means every tool, and the names of single tools. */
function isClaudeTool(item: unknown): boolean {
  return item === `mcp__${SERVER_NAME}` || startsWith(`mcp__${SERVER_NAME}__`)(item);
}

function startsWith(prefix: string): (item: unknown) => boolean {
  return (item) => typeof item === 'string' && item.startsWith(prefix);
}

function claudeFolder({ home, env }: Folders): string {
  return env('CLAUDE_CONFIG_DIR') ?? `${home}/.claude`;
}

function claudeFile({ home, env }: Folders): string {
  return `${env('CLAUDE_CONFIG_DIR') ?? home}/.claude.json`;
}

function codexFolder({ home, env }: Folders): string {
  return env('CODEX_HOME') ?? `${home}/.codex`;
}

function copilotFolder({ home, env }: Folders): string {
  return env('COPILOT_HOME') ?? `${home}/.copilot`;
}

function clineFolder({ home, env }: Folders): string {
  return env('CLINE_DIR') ?? `${home}/.cline`;
}

/** Zed has its own folder on Windows, and `~/.config/zed` on the other systems. */
function zedFolder({ xdg, appData }: Folders): string {
  return /^[A-Za-z]:/.test(appData) ? `${appData}/Zed` : `${xdg}/zed`;
}
