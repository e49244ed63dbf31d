/** Setup instruction for one client. */
export interface ClientSetup {
  id: string;
  client: string;
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

/**
 * Returns copyable setup instructions for each client, the most used first. They hold in every folder of the user.
 * Runs in the service and in the browser.
 * @param url public URL of the service
 */
export function clientSetups(url: string, apiKey: string): ClientSetup[] {
  const mcp = `${url}/mcp`;
  const authorization = `Bearer ${apiKey}`;
  const headers = { Authorization: authorization };
  const header = `--header "Authorization: ${authorization}"`;
  const vscode = { name: 'whitemagic', type: 'http', url: mcp, headers };
  return [
    {
      id: 'claude-code',
      client: 'Claude Code',
      how: 'run in a terminal',
      text: `claude mcp add --scope user --transport http whitemagic ${mcp} ${header}`,
      next: 'Claude Code asks before each tool call. To allow them all, add "mcp__whitemagic" to permissions.allow in ~/.claude/settings.json.',
      isTried: true,
    },
    {
      id: 'cursor',
      client: 'Cursor',
      how: 'put into ~/.cursor/mcp.json',
      text: json({ mcpServers: { whitemagic: { url: mcp, headers } } }),
      link: `cursor://anysphere.cursor-deeplink/mcp/install?name=whitemagic&config=${base64({ url: mcp, headers })}`,
      isTried: false,
    },
    {
      id: 'vscode',
      client: 'VS Code',
      how: 'run in a terminal',
      text: `code --add-mcp '${JSON.stringify(vscode)}'`,
      link: `vscode:mcp/install?${encodeURIComponent(JSON.stringify(vscode))}`,
      isTried: false,
    },
    {
      id: 'codex',
      client: 'Codex',
      how: 'put into ~/.codex/config.toml',
      text: `[mcp_servers.whitemagic]\nurl = "${mcp}"\nhttp_headers = { Authorization = "${authorization}" }`,
      isTried: true,
    },
    {
      id: 'gemini',
      client: 'Gemini CLI',
      how: 'run in a terminal',
      text: `gemini mcp add --scope user --transport http --trust ${header} whitemagic ${mcp}`,
      isTried: true,
    },
    {
      id: 'opencode',
      client: 'OpenCode',
      how: 'put into ~/.config/opencode/opencode.json',
      text: json({ mcp: { whitemagic: { type: 'remote', url: mcp, oauth: false, headers } } }),
      isTried: true,
    },
    {
      id: 'copilot',
      client: 'Copilot CLI',
      how: 'run in a terminal',
      text: `copilot mcp add --transport http ${header} whitemagic ${mcp}`,
      isTried: true,
    },
    {
      id: 'windsurf',
      client: 'Windsurf',
      how: 'put into ~/.codeium/windsurf/mcp_config.json',
      text: json({ mcpServers: { whitemagic: { serverUrl: mcp, headers } } }),
      isTried: false,
    },
    {
      id: 'zed',
      client: 'Zed',
      how: 'put into settings.json (command "zed: open settings file")',
      text: json({ context_servers: { whitemagic: { url: mcp, headers } } }),
      isTried: false,
    },
    {
      id: 'jetbrains',
      client: 'JetBrains',
      how: 'add as JSON under Settings, Tools, AI Assistant, Model Context Protocol',
      text: json({ mcpServers: { whitemagic: { url: mcp, headers } } }),
      isTried: false,
    },
    {
      id: 'cline',
      client: 'Cline',
      how: 'run in a terminal',
      text: `cline mcp add whitemagic ${mcp} --transport http ${header} --yes`,
      isTried: true,
    },
    {
      id: 'qwen',
      client: 'Qwen Code',
      how: 'run in a terminal',
      text: `qwen mcp add --transport http ${header} whitemagic ${mcp}`,
      isTried: true,
    },
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

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function base64(value: unknown): string {
  return encodeURIComponent(btoa(JSON.stringify(value)));
}
