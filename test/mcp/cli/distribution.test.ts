import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { installLinks } from '../../../mcp/client-setup/texts.ts';
import { TOOL_DESCRIPTIONS } from '../../../mcp/registry.ts';
import { mcpbManifest } from '../../../scripts/mcpb/manifest.ts';

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const own = read('mcp/cli/package.json');

describe('entry for the MCP registry', () => {
  it('has name, package and version of the published package, and keeps the bounds of the registry', () => {
    const server = read('mcp/cli/server.json');
    const [npm] = server.packages;
    expect([server.name, server.version, npm.identifier, npm.version]).toEqual([
      own.mcpName,
      own.version,
      own.name,
      own.version,
    ]);
    expect(server.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    expect(server.description.length).toBeLessThanOrEqual(100);
    expect(npm.environmentVariables.find(({ isSecret }: { isSecret?: boolean }) => isSecret).name).toBe(
      'WHITEMAGIC_API_KEY',
    );
  });
});

describe('bundle for Claude Desktop', () => {
  it('starts the bridge with what it asks the person, keeps the key secret, and lists every tool', () => {
    const { server, user_config: asked, tools, version } = mcpbManifest(own.version);
    expect(version).toBe(own.version);
    expect(`./${server.entry_point}`.endsWith(own.bin.whitemagic)).toBe(true);
    const placeholders = Object.values(server.mcp_config.env).map(
      (value) => /^\$\{user_config\.(\w+)\}$/.exec(value)?.[1],
    );
    expect(placeholders).toEqual(Object.keys(asked));
    expect(asked.api_key.sensitive).toBe(true);
    expect(tools.map(({ name }) => name)).toEqual(TOOL_DESCRIPTIONS.map(({ name }) => name));
  });
});

describe('links that install the bridge', () => {
  const links = installLinks({ url: 'http://127.0.0.1:8787', version: own.version });

  it('hold the address and no key, in the form of each client', () => {
    const configs = links.map(({ client, url }) => {
      const config = new URL(url).searchParams.get('config') ?? '';
      return JSON.parse(client === 'Cursor' ? Buffer.from(config, 'base64').toString() : config);
    });
    for (const { command, args, env } of configs) {
      expect([command, ...args]).toEqual(['npx', '-y', `http://127.0.0.1:8787/whitemagic-${own.version}.tgz`, 'mcp']);
      expect(env).toEqual({ WHITEMAGIC_URL: 'http://127.0.0.1:8787' });
    }
  });

  it.each(['README.md', 'docs/connect.md'])('stand in %s', (path) => {
    const text = readFileSync(path, 'utf8');
    for (const { client, url } of links) expect(text).toContain(`[${client}](${url})`);
  });
});
