import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientId } from '../../mcp/client-setup/client-ids.ts';

/** The values that the arguments of a client may contain. */
export interface RunOptions {
  /** Address of a model server that rejects every request: the client connects its MCP servers before. */
  model: string;
  /** Command of the bridge, for programs that `setup` does not write to. */
  bridge: string[];
  url: string;
  key: string;
}

/** A client that the npm registry carries. */
export interface TestedClient {
  /** Package of the registry. */
  package: string;
  /** Client of `whitemagic setup`; undefined for a tool that is given the server by arguments. */
  id?: ClientId;
  name: string;
  program: string;
  /** Arguments of its own list or health check, or of a run that makes it connect. */
  args(options: RunOptions): string[];
  env?(options: RunOptions): Record<string, string>;
  /** Files that the client needs in its home, beside those of `setup`. */
  prepare?(home: string): void;
  /** A session with a model, of a client with hooks: what the model is sent shows whether the hook at its start ran. */
  session?: { args(options: RunOptions): string[]; env?(options: RunOptions): Record<string, string> };
  /** Way in which the check was made, for the table. */
  how: string;
  /** Direct connections only: the tool is given an address. */
  onlyHttp?: boolean;
  /** Its install script puts its native program in place. */
  needsInstallScript?: boolean;
}

const PROMPT = 'Say hello.';

const codexArgs = ({ model }: RunOptions) => [
  'exec',
  '--skip-git-repo-check',
  '-c',
  'model_provider=none',
  '-c',
  `model_providers.none={name="none",base_url="${model}",wire_api="responses",request_max_retries=0,stream_max_retries=0}`,
  PROMPT,
];

/** Every client that can be driven without an account. */
export const TESTED_CLIENTS: readonly TestedClient[] = [
  {
    package: '@anthropic-ai/claude-code',
    id: 'claude-code',
    name: 'Claude Code',
    program: 'claude',
    args: () => ['mcp', 'list'],
    session: {
      args: () => ['-p', PROMPT],
      env: ({ model }) => ({ ANTHROPIC_API_KEY: 'none', ANTHROPIC_BASE_URL: model }),
    },
    how: '`claude mcp list`',
    needsInstallScript: true,
  },
  {
    package: '@openai/codex',
    id: 'codex',
    name: 'Codex',
    program: 'codex',
    args: codexArgs,
    // A person trusts hooks once, with /hooks.
    session: { args: (options) => [...codexArgs(options), '--dangerously-bypass-hook-trust'] },
    how: '`codex exec`, without a model',
  },
  {
    package: '@google/gemini-cli',
    id: 'gemini',
    name: 'Gemini CLI',
    program: 'gemini',
    args: () => ['mcp', 'list'],
    // It starts no server in a folder that the person has not trusted.
    prepare: (home) => {
      mkdirSync(join(home, '.gemini'), { recursive: true });
      const write = (name: string, value: object) =>
        writeFileSync(join(home, '.gemini', name), JSON.stringify(value, undefined, 2));
      write('trustedFolders.json', { [home]: 'TRUST_FOLDER' });
      write('settings.json', { security: { auth: { selectedType: 'gemini-api-key' } } });
    },
    session: {
      args: () => ['-p', PROMPT],
      env: ({ model }) => ({ GEMINI_API_KEY: 'none', GOOGLE_GEMINI_BASE_URL: model }),
    },
    how: '`gemini mcp list`, folder trusted',
  },
  {
    package: 'opencode-ai',
    id: 'opencode',
    name: 'OpenCode',
    program: 'opencode',
    args: () => ['mcp', 'list'],
    how: '`opencode mcp list`',
    needsInstallScript: true,
  },
  {
    package: '@qwen-code/qwen-code',
    id: 'qwen',
    name: 'Qwen Code',
    program: 'qwen',
    args: () => ['mcp', 'list'],
    how: '`qwen mcp list`',
  },
  {
    package: '@github/copilot',
    id: 'copilot',
    name: 'Copilot CLI',
    program: 'copilot',
    args: () => ['-p', PROMPT],
    env: ({ model }) => ({
      COPILOT_PROVIDER_BASE_URL: model,
      COPILOT_PROVIDER_API_KEY: 'none',
      COPILOT_MODEL: 'none',
    }),
    how: '`copilot -p`, without a model',
  },
  {
    package: 'cline',
    id: 'cline',
    name: 'Cline',
    program: 'cline',
    args: () => ['-P', 'openai', '-k', 'none', '-m', 'none', '--retries', '1', '-t', '30', PROMPT],
    how: '`cline`, without a model',
  },
  {
    package: '@modelcontextprotocol/inspector',
    name: 'Inspector',
    program: 'mcp-inspector',
    args: ({ bridge, url, key }) => [
      '--cli',
      ...bridge,
      '--method',
      'tools/list',
      '-e',
      `WHITEMAGIC_URL=${url}`,
      '-e',
      `WHITEMAGIC_API_KEY=${key}`,
    ],
    how: '`mcp-inspector --cli --method tools/list`',
  },
  {
    package: 'mcp-remote',
    name: 'mcp-remote',
    program: 'mcp-remote-client',
    args: ({ url, key }) => [`${url}/mcp`, '--header', `Authorization: Bearer ${key}`],
    how: '`mcp-remote-client URL`',
    onlyHttp: true,
  },
];
