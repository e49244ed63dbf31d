/** Setup instruction for one client. */
export interface ClientSetup {
  client: 'Claude Code' | 'Cursor' | 'VS Code' | 'Codex' | 'curl';
  /** Whether to run the text, or which file to add it to. */
  how: string;
  text: string;
}

/** Returns copyable setup instructions for each client. They work from any folder. */
export function clientSetups(url: string, apiKey: string): ClientSetup[] {
  const mcp = `${url}/mcp`;
  const authorization = `Bearer ${apiKey}`;
  const cursor = { mcpServers: { whitemagic: { url: mcp, headers: { Authorization: authorization } } } };
  const code = { name: 'whitemagic', type: 'http', url: mcp, headers: { Authorization: authorization } };
  return [
    {
      client: 'Claude Code',
      how: 'run in a terminal',
      text: `claude mcp add --scope user --transport http whitemagic ${mcp} --header "Authorization: ${authorization}"`,
    },
    { client: 'Cursor', how: 'put into ~/.cursor/mcp.json', text: JSON.stringify(cursor) },
    { client: 'VS Code', how: 'run in a terminal', text: `code --add-mcp '${JSON.stringify(code)}'` },
    {
      client: 'Codex',
      how: 'put into ~/.codex/config.toml',
      text: `[mcp_servers.whitemagic]\nurl = "${mcp}"\nhttp_headers = { Authorization = "${authorization}" }`,
    },
    {
      client: 'curl',
      how: 'run in a terminal',
      text: `curl ${url}/api/v1/user/me -H "Authorization: ${authorization}"`,
    },
  ];
}
