import { TOOL_DESCRIPTIONS } from '../../mcp/registry.ts';

/** Characters that the store of a client shows of a tool. */
const DESCRIPTION_MAX = 150;

/**
 * Returns the manifest of the bundle (MCPB 0.3): how a desktop client starts the bridge, and what it asks a person before. It keeps the
 * key in the keychain.
 */
export function mcpbManifest(version: string) {
  return {
    manifest_version: '0.3',
    name: 'whitemagic',
    display_name: 'WhiteMagic',
    version,
    description: 'A hosted memory for AI agents.',
    long_description:
      'Claude remembers across conversations: it stores what it learns, finds it again by words and meaning, and gets a context that fits its token budget.',
    author: { name: 'WhiteMagic' },
    license: 'MIT',
    keywords: ['memory', 'mcp'],
    server: {
      type: 'node',
      entry_point: 'dist/whitemagic.js',
      mcp_config: {
        command: 'node',
        args: [variable('__dirname', '/dist/whitemagic.js'), 'mcp'],
        env: {
          WHITEMAGIC_URL: variable('user_config.url'),
          WHITEMAGIC_API_KEY: variable('user_config.api_key'),
          WHITEMAGIC_PROJECT: variable('user_config.project'),
        },
      },
    },
    user_config: {
      url: {
        type: 'string',
        title: 'Address',
        description: 'Address of your WhiteMagic service, such as https://memory.example.com',
        required: true,
      },
      api_key: {
        type: 'string',
        title: 'API key',
        description: 'Your key, wm_... Create one in the dashboard under Keys.',
        sensitive: true,
        required: true,
      },
      project: {
        type: 'string',
        title: 'Project',
        description: 'Project of the memories; "none" keeps them together.',
        default: 'none',
        required: false,
      },
    },
    tools: TOOL_DESCRIPTIONS.map(({ name, description = '' }) => ({
      name,
      description: description.slice(0, DESCRIPTION_MAX),
    })),
    compatibility: { platforms: ['darwin', 'win32', 'linux'], runtimes: { node: '>=20.19' } },
  };
}

/** Returns a placeholder that the client replaces. */
function variable(name: string, rest = ''): string {
  return `$${`{${name}}`}${rest}`;
}
