import { Badge } from './feedback.tsx';

/** Names of clients that a rule for capital letters would get wrong. */
const CLIENTS: Record<string, string> = {
  'claude-ai': 'Claude.ai',
  'codex-mcp-client': 'Codex',
  codex_cli_rs: 'Codex',
  'copilot-cli': 'Copilot CLI',
  curl: 'curl',
  'cursor-vscode': 'Cursor',
  'gemini-cli': 'Gemini CLI',
  'gemini-cli-mcp-client': 'Gemini CLI',
  node: 'A Node.js program',
  opencode: 'OpenCode',
  'openai-mcp': 'ChatGPT',
  'python-httpx': 'A Python program',
  python: 'A Python program',
  'visual-studio-code': 'VS Code',
  'whitemagic-stdio': 'The WhiteMagic bridge',
};

/** Formats a client as people know it: `claude-code/2.1.328` is "Claude Code 2.1.328". */
export function formatClient(client: string | null | undefined): string {
  if (!client) return 'Unknown client';
  const [name = '', version] = client.split('/');
  const known = CLIENTS[name] ?? name.replace(/[-_]+/g, ' ').replace(/(^|\s)[a-z]/g, (letter) => letter.toUpperCase());
  return version ? `${known} ${version}` : known;
}

const TRANSPORTS: Record<string, string> = {
  rest: 'REST',
  mcp_http: 'MCP over HTTP',
  mcp_stdio: 'MCP over stdio',
  dashboard: 'Dashboard',
};

/** Formats a transport as people know it. */
export function formatTransport(transport: string): string {
  return TRANSPORTS[transport] ?? transport;
}

/** Renders the status of a call, with the code of its error. */
export function CallStatus({ status, code }: { status: number; code: string | null }) {
  const kind = status >= 500 ? 'error' : status >= 400 ? 'warning' : 'success';
  return (
    <Badge kind={kind}>
      {status}
      {code && ` ${code}`}
    </Badge>
  );
}
