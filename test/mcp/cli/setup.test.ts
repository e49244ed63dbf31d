import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { afterAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../../api/contracts/operation.ts';
import { runProgram } from '../../../mcp/cli/program.ts';
import { editJson } from '../../../mcp/cli/setup/edit-json.ts';
import { editToml } from '../../../mcp/cli/setup/edit-toml.ts';
import { CLIENT_IDS, READING_TOOLS, UNDOABLE_TOOLS } from '../../../mcp/client-setup/client-ids.ts';
import { CLIENTS } from '../../../mcp/client-setup/clients.ts';
import { hookEdits } from '../../../mcp/client-setup/hooks.ts';
import { listTools } from '../../../mcp/registry.ts';
import { testCli } from '../../support/cli.ts';

const KEY = `wm_test_${'a'.repeat(32)}`;
/** Nothing listens there, so the key is not checked. */
const URL = 'http://127.0.0.1:3';
const roots: string[] = [];

afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** Creates a home with files, and a command that runs in it. */
function scratch(files: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'wm-setup-'));
  roots.push(home);
  const put = (name: string, text: string) => {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  };
  for (const [name, text] of Object.entries({ 'cli/dist/whitemagic.js': '', ...files })) put(name, text);
  const run = async (args: string[], env: Record<string, string> = {}, more: Parameters<typeof testCli>[0] = {}) => {
    const cli = testCli({
      env: { HOME: home, PATH: '', WHITEMAGIC_URL: URL, WHITEMAGIC_API_KEY: KEY, ...env },
      script: join(home, 'cli/dist/whitemagic.js'),
      cwd: join(home, 'cli'),
      ...more,
    });
    const code = await runProgram(args, cli);
    return { code, printed: cli.printed(), noted: cli.noted() };
  };
  const read = (name: string) => readFileSync(join(home, name), 'utf8');
  const all = () =>
    Object.fromEntries(
      readdirSync(home, { recursive: true, encoding: 'utf8' })
        .filter((name) => statSync(join(home, name)).isFile() && !name.endsWith('.bak'))
        .map((name) => [name, read(name)]),
    );
  return { home, run, read, put, all };
}

const JSONC = (key: string) => `// my settings
{
\t"theme": "dark", // keep
\t/* servers */ "${key}": {
\t\t"other": { "command": "x", "args": ["1"], }, // mine
\t},
}
`;
const TOML = `# my config
model = "gpt-5" # the model

[mcp_servers.other] # keep
command = 'npx'
args = [
  "-y", # yes
]

# projects
[projects."/home/ada/x"]
trust_level = "trusted"
`;

/** The file of each client, with comments and another entry in it. */
const FILES: Record<string, string> = {
  '.claude.json': JSONC('mcpServers'),
  '.claude/settings.json': '{\n  "permissions": { "allow": ["Bash(ls)"], "deny": [] }\n}\n',
  '.config/Claude/claude_desktop_config.json': JSONC('mcpServers'),
  '.cursor/mcp.json': JSONC('mcpServers'),
  '.cursor/permissions.json': '{ "mcpAllowlist": [ "other:*" /* mine */ ] }',
  '.config/Code/User/mcp.json': JSONC('servers'),
  '.codeium/windsurf/mcp_config.json': JSONC('mcpServers'),
  '.config/zed/settings.json': JSONC('context_servers'),
  '.codex/config.toml': TOML,
  '.gemini/settings.json': JSONC('mcpServers'),
  '.junie/mcp/mcp.json': JSONC('mcpServers'),
  '.config/opencode/opencode.jsonc': JSONC('mcp'),
  '.copilot/mcp-config.json': JSONC('mcpServers'),
  '.qwen/settings.json': JSONC('mcpServers'),
  '.cline/data/settings/cline_mcp_settings.json': JSONC('mcpServers'),
  '.config/crush/crush.json': JSONC('mcp'),
};

/** Returns the lines of a text that are not in another. */
function missingLines(from: string, text: string): string[] {
  const lines = text.split('\n');
  return from.split('\n').filter((line) => !lines.includes(line));
}

describe('whitemagic setup', () => {
  it('connects every client in one command, and leaves comments and other entries as they are', async () => {
    const { run, read, home } = scratch(FILES);
    const { code, printed, noted } = await run(['setup', '--yes']);
    expect(code).toBe(0);
    for (const { name } of CLIENTS) expect(printed).toContain(`${name.padEnd(15)} set up.`);
    expect(printed + noted).not.toContain(KEY);
    const entry = (file: string, key: string) => parseJsonc(read(file))[key].whitemagic;
    const bridge = {
      command: process.execPath,
      args: [join(home, 'cli/dist/whitemagic.js'), 'mcp'],
      env: { WHITEMAGIC_URL: URL },
    };
    expect(entry('.claude.json', 'mcpServers')).toEqual({ type: 'stdio', ...bridge });
    expect(entry('.cursor/mcp.json', 'mcpServers')).toEqual(bridge);
    expect(entry('.config/Code/User/mcp.json', 'servers')).toEqual({ type: 'stdio', ...bridge });
    expect(entry('.config/zed/settings.json', 'context_servers')).toEqual(bridge);
    expect(entry('.config/opencode/opencode.jsonc', 'mcp')).toMatchObject({ type: 'local', enabled: true });
    expect(entry('.copilot/mcp-config.json', 'mcpServers')).toEqual({ type: 'local', ...bridge, tools: ['*'] });
    expect(entry('.cline/data/settings/cline_mcp_settings.json', 'mcpServers').autoApprove).toEqual([...READING_TOOLS]);
    const codex = parseToml(read('.codex/config.toml')) as Record<string, Record<string, unknown>>;
    expect(codex.mcp_servers?.whitemagic).toMatchObject({
      ...bridge,
      tools: { get_context: { approval_mode: 'approve' } },
    });
    expect(parseJsonc(read('.claude/settings.json')).permissions.allow).toEqual([
      'Bash(ls)',
      ...READING_TOOLS.map((tool) => `mcp__whitemagic__${tool}`),
    ]);
    expect(read('.gemini/policies/whitemagic.toml')).toContain('toolName = ["get_context", "search_memories"');
    expect(parseJsonc(read('.cursor/permissions.json')).mcpAllowlist).toContain('whitemagic:get_context');
    // Each line that was there still is, except one-line lists that were added to.
    for (const [file, before] of Object.entries(FILES)) {
      if (!/(settings|permissions)\.json$/.test(file) || before.includes('theme'))
        expect(missingLines(before, read(file)), file).toEqual([]);
    }
    // The key is in none of these files, but in one that only the user can read.
    expect(Object.keys(FILES).filter((file) => read(file).includes(KEY))).toEqual([]);
    const stored = '.config/whitemagic/credentials.json';
    expect(JSON.parse(read(stored))).toEqual({ url: URL, keys: { [URL]: KEY } });
    expect(statSync(join(home, stored)).mode & 0o777).toBe(0o600);
  });

  it('changes nothing when it runs again, and removes all that it added', async () => {
    const { run, all } = scratch(FILES);
    const before = all();
    await run(['setup', '--yes', '--rules', '--allow', 'write']);
    const after = all();
    expect((await run(['setup', '--yes', '--rules', '--allow', 'write'])).printed).toContain('Nothing to change.');
    expect(all()).toEqual(after);
    expect((await run(['setup', '--remove', '--yes'])).code).toBe(0);
    const left = all();
    for (const [file, text] of Object.entries(before)) expect(left[file], file).toBe(text);
    const created = Object.entries(left).filter(([file]) => !(file in before) && !file.includes('whitemagic/'));
    for (const [file, text] of created) expect(text, file).not.toMatch(/whitemagic/i);
  });

  it('writes address and key with --http, into files that only the user can read', async () => {
    const { run, read, home } = scratch(FILES);
    expect((await run(['setup', '--yes', '--http', '--project', 'läden & co'])).code).toBe(0);
    const url = `${URL}/mcp?project=l%C3%A4den+%26+co`;
    const headers = { Authorization: `Bearer ${KEY}` };
    const entry = (file: string, key = 'mcpServers') => parseJsonc(read(file))[key].whitemagic;
    expect(entry('.claude.json')).toEqual({ type: 'http', url, headers });
    expect(entry('.codeium/windsurf/mcp_config.json')).toEqual({ serverUrl: url, headers });
    expect(entry('.gemini/settings.json')).toEqual({ httpUrl: url, headers });
    expect(entry('.config/opencode/opencode.jsonc', 'mcp')).toMatchObject({
      type: 'remote',
      url,
      oauth: false,
      headers,
    });
    expect(parseToml(read('.codex/config.toml'))).toMatchObject({
      mcp_servers: { whitemagic: { url, http_headers: headers } },
    });
    // These can only start programs.
    for (const file of ['.config/Claude/claude_desktop_config.json', '.junie/mcp/mcp.json'])
      expect(entry(file).env).toEqual({ WHITEMAGIC_URL: URL, WHITEMAGIC_PROJECT: 'läden & co' });
    expect(statSync(join(home, '.claude.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, '.config/Claude/claude_desktop_config.json')).mode & 0o777).toBe(0o644);
  });

  it('shows the changes without making them: with --dry-run, without a terminal, and when declined', async () => {
    const { run, all } = scratch({ '.cursor/mcp.json': JSONC('mcpServers') });
    const before = all();
    const dry = await run(['setup', '--dry-run', '--http']);
    expect(dry).toMatchObject({ code: 0, noted: 'Found: Cursor.' });
    expect(dry.printed).toContain('"Authorization": "Bearer wm_test_…aaaa"');
    expect(all()).toEqual(before);
    const silent = await run(['setup']);
    expect(silent.code).toBe(1);
    expect(silent.noted).toContain('Repeat the command with --yes');
    expect((await run(['setup'], {}, { confirm: async () => false })).code).toBe(1);
    expect({ ...all(), '.config/whitemagic/credentials.json': '' }).toEqual({
      ...before,
      '.config/whitemagic/credentials.json': '',
    });
    expect((await run(['setup'], {}, { confirm: async () => true })).code).toBe(0);
    expect(all()['.cursor/mcp.json']).toContain('"whitemagic"');
  });

  it('keeps a copy, follows links, and leaves a file that it cannot read as it is', async () => {
    const broken = '{ "mcpServers": { "a": 1,, } }\n';
    const { run, read, home, put } = scratch({
      '.cursor/mcp.json': broken,
      '.codex/config.toml': 'a = = 1',
      'dot/qwen.json': '{}',
    });
    mkdirSync(join(home, '.qwen'));
    symlinkSync(join(home, 'dot/qwen.json'), join(home, '.qwen/settings.json'));
    const { code, noted, printed } = await run(['setup', '--yes']);
    expect(code).toBe(1);
    expect(noted).toMatch(/Cursor: .*mcp\.json: line 1 is not valid JSON.*left as it is|Cursor: .*left as it was/);
    expect(noted).toContain('Codex: ');
    expect(read('.cursor/mcp.json')).toBe(broken);
    expect(printed).toContain('Qwen Code       set up.');
    expect(parseJsonc(read('dot/qwen.json')).mcpServers.whitemagic).toBeDefined();
    const copies = readdirSync(join(home, 'dot')).filter((name) => name.endsWith('.bak'));
    expect(copies.map((name) => read(`dot/${name}`))).toEqual(['{}']);
    put('.cursor/mcp.json', '[]');
    expect((await run(['setup', '--yes', '--client', 'cursor'])).noted).toContain('the file is not an object');
  });

  it('adds rules to the instructions of the user or of the folder, once', async () => {
    const { run, read, home } = scratch({ '.claude/CLAUDE.md': '# Mine\r\n\r\nUse tabs.\r\n', '.cursor/mcp.json': '' });
    await run(['setup', '--yes', '--rules', '--client', 'claude-code,cursor']);
    await run(['setup', '--yes', '--rules', 'folder', '--client', 'claude-code', '--client', 'cursor']);
    expect(read('.claude/CLAUDE.md')).toMatch(
      /^# Mine\r\n\r\nUse tabs\.\r\n\r\n<!-- whitemagic: start -->\r\n## Memory[\s\S]*end -->\r\n$/,
    );
    expect(read('.claude/CLAUDE.md').match(/## Memory/g)).toHaveLength(1);
    expect(read('cli/CLAUDE.md')).toContain('get_context');
    expect(read('cli/.cursor/rules/whitemagic.mdc')).toMatch(/^---\n[\s\S]*alwaysApply: true/);
    await run(['setup', '--remove', '--yes']);
    expect(read('.claude/CLAUDE.md')).toBe('# Mine\r\n\r\nUse tabs.\r\n');
    expect(existsSync(join(home, 'cli/.cursor/rules/whitemagic.mdc'))).toBe(false);
  });

  it('copies itself when npx runs it, so that the entry outlives the cache', async () => {
    const { run, read, home, put } = scratch({ '.cursor/mcp.json': '{}' });
    put('.npm/_npx/1/node_modules/whitemagic/dist/whitemagic.js', 'code');
    put('.npm/_npx/1/node_modules/whitemagic/package.json', '{}');
    const script = join(home, '.npm/_npx/1/node_modules/whitemagic/dist/whitemagic.js');
    for (const _again of [1, 2]) {
      await run(['setup', '--yes', '--client', 'cursor'], { NODE_EXTRA_CA_CERTS: '/ca.pem' }, { script });
    }
    const { args, env } = parseJsonc(read('.cursor/mcp.json')).mcpServers.whitemagic;
    expect(args).toEqual([join(home, '.local/share/whitemagic/cli/dist/whitemagic.js'), 'mcp']);
    expect(env.NODE_EXTRA_CA_CERTS).toBe('/ca.pem');
    expect(readFileSync(args[0], 'utf8')).toBe('code');
  });

  it('rejects unknown options, clients and tools with exit code 2, and says what is known', async () => {
    const { run } = scratch();
    expect(await run(['setup', '--foo'])).toMatchObject({
      code: 2,
      noted: expect.stringContaining("unknown option '--foo'"),
    });
    const unknown = await run(['setup', '--client', 'emacs']);
    expect(unknown).toMatchObject({ code: 2, noted: expect.stringContaining(CLIENT_IDS.join(', ')) });
    expect((await run(['setup', '--allow', 'all'])).code).toBe(2);
    expect((await run(['setup', 'surplus'])).code).toBe(2);
    expect((await run(['mcp', '--foo'])).code).toBe(2);
    expect((await run(['nothing'])).code).toBe(2);
    expect(await run(['setup'])).toMatchObject({ code: 1, noted: expect.stringContaining('No client was found') });
    expect(
      (await run(['setup'], { WHITEMAGIC_URL: '', HOME: scratch({ '.cursor/mcp.json': '' }).home })).noted,
    ).toContain('Say which service');
  });

  it('is checked by doctor for each client that is installed', async () => {
    const { run, put, home } = scratch({
      '.cursor/mcp.json': '{}',
      '.codex/config.toml': TOML,
      '.qwen/settings.json': '{,}',
    });
    await run(['setup', '--yes', '--client', 'cursor,codex']);
    const checked = await run(['doctor']);
    expect(checked.code).toBe(1);
    expect(checked.printed).toContain('ok    Cursor                    set up with the bridge');
    expect(checked.printed).toContain('ok    Codex                     set up with the bridge');
    expect(checked.printed).toMatch(
      /FAIL {2}Qwen Code .*line 1 is not valid JSON.*\n {6}-> Correct the file, then: whitemagic setup --client qwen/,
    );
    expect(checked.printed).not.toContain('Zed');
    rmSync(join(home, 'cli/dist'), { recursive: true });
    put('.qwen/settings.json', '{}');
    const gone = await run(['doctor', '--url', 'http://127.0.0.1:4']);
    expect(gone.printed).toMatch(/FAIL {2}Cursor .*which does not exist\n {6}-> whitemagic setup --client cursor/);
    expect(gone.printed).toMatch(/ok {4}Qwen Code +not set up\n/);
  });

  it('knows the tools of the service', () => {
    const tools = listTools(SCOPES, 'all');
    const reading = tools.filter((tool) => tool.annotations.readOnlyHint).map(({ name }) => name);
    expect(READING_TOOLS.filter((name) => !reading.includes(name))).toEqual([]);
    expect(UNDOABLE_TOOLS.filter((name) => !tools.some((tool) => tool.name === name))).toEqual([]);
  });
});

describe('setup › edits', () => {
  const name = fc.stringMatching(/^[a-z]{1,6}$/).filter((text) => !['ours', 'servers'].includes(text));
  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string({ maxLength: 8 }));

  it('of JSON keep every other value, and are taken back without a trace, in any layout', () => {
    const layout = fc.constantFrom(undefined, 2, 4, '\t');
    const other = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf), fc.array(leaf)));
    fc.assert(
      fc.property(other, fc.option(other, { nil: undefined }), layout, (top, servers, indent) => {
        const before = { ...top, ...(servers && { servers }) };
        const text = JSON.stringify(before, null, indent);
        const edit = {
          kind: 'set',
          format: 'json',
          file: '',
          at: ['servers', 'ours'],
          value: { url: 'x', args: ['y'] },
        } as const;
        const added = editJson(text, edit as never, 'add');
        expect(JSON.parse(added)).toEqual({ ...before, servers: { ...servers, ours: edit.value } });
        const removed = editJson(added, edit as never, 'remove');
        // An object that is left empty goes too.
        const isEmpty = !servers || Object.keys(servers).length === 0;
        expect(JSON.parse(removed)).toEqual(isEmpty ? top : before);
        if (!isEmpty) expect(removed).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  it('of TOML keep other tables, arrays and strings, and reject a form that they would break', () => {
    const at = ['mcp_servers', 'whitemagic'];
    const value = { command: 'n', env: { A: 'b"\\' }, tools: { t: { approval_mode: 'approve' } } };
    const own = '[ mcp_servers . "whitemagic" ]\nurl = "x"\n# of the next\n\n[[things]]\na = 1 # one\n';
    for (const text of ['', TOML, `${TOML}\n${own}`, TOML.replaceAll('\n', '\r\n')]) {
      const added = editToml(text, at, value);
      expect(parseToml(added)).toMatchObject({ mcp_servers: { whitemagic: value } });
      expect(text.split(/\r?\n/).filter((line) => line.includes('#') && !added.includes(line))).toEqual([]);
      expect(editToml(added, at, value)).toBe(added);
      expect(parseToml(editToml(added, at, undefined))).toEqual(parseToml(editToml(text, at, undefined)));
    }
    expect(() => editToml('mcp_servers = { other = { command = "x" } }\n', at, value)).toThrow('by hand');
    const inString = 'text = """\n[mcp_servers.whitemagic]\n"""\n';
    expect(() => editToml(editToml(inString, at, value), at, undefined)).toThrow('by hand');
  });
});

describe('whitemagic setup --hooks', () => {
  it('adds hooks beside others, renews them when the program has moved, and removes them alone', async () => {
    const mine = { hooks: [{ type: 'command', command: 'my hook' }] };
    const { run, read, all } = scratch({
      '.claude/settings.json': JSON.stringify({ hooks: { SessionStart: [mine] }, theme: 'dark' }, null, 2),
      '.cursor/mcp.json': '{}',
      '.codex/config.toml': '',
      '.gemini/settings.json': '{}',
      '.codeium/windsurf/memories/global_rules.md': '# Mine\n',
    });
    const before = all();
    expect(await run(['setup', '--hooks', '--yes'])).toMatchObject({ code: 0 });
    const command = (event: string, id: string) =>
      expect.stringMatching(
        new RegExp(`^"[^"]*node[^"]*" "[^"]*/cli/dist/whitemagic\\.js" hook ${event} --client ${id}$`),
      );
    const claude = JSON.parse(read('.claude/settings.json'));
    const entry = (event: string) => ({
      hooks: [{ type: 'command', command: command(event, 'claude-code'), timeout: 10 }],
    });
    expect(claude).toMatchObject({
      theme: 'dark',
      hooks: {
        SessionStart: [mine, entry('session-start')],
        PreCompact: [entry('pre-compact')],
        Stop: [entry('stop')],
      },
    });
    expect(JSON.parse(read('.cursor/hooks.json'))).toEqual({
      version: 1,
      hooks: {
        sessionStart: [{ command: command('session-start', 'cursor'), timeout: 10 }],
        stop: [{ command: command('stop', 'cursor'), timeout: 10 }],
      },
    });
    expect(JSON.parse(read('.codex/hooks.json')).hooks.Stop).toHaveLength(1);
    expect(JSON.parse(read('.gemini/settings.json')).hooks).toMatchObject({
      AfterAgent: [{ hooks: [{ timeout: 10_000 }] }],
    });
    expect(read('.codeium/windsurf/memories/global_rules.md')).toMatch(/^# Mine\n[\s\S]*get_context/);

    const again = await run(
      ['setup', '--hooks', '--yes'],
      {},
      { script: join(process.cwd(), 'mcp/cli/whitemagic.ts') },
    );
    expect(again.code).toBe(0);
    const renewed = JSON.parse(read('.claude/settings.json')).hooks.SessionStart;
    expect(renewed).toHaveLength(2);
    expect(JSON.stringify(renewed[1])).toContain('mcp/cli/whitemagic.ts');

    expect(await run(['setup', '--hooks', '--remove', '--yes'])).toMatchObject({
      code: 0,
      printed: expect.stringContaining('Removed the hooks.'),
    });
    expect(JSON.parse(read('.claude/settings.json'))).toMatchObject({ theme: 'dark', hooks: { SessionStart: [mine] } });
    expect(read('.claude/settings.json')).not.toContain('whitemagic.ts');
    expect(JSON.parse(read('.cursor/hooks.json'))).toEqual({ version: 1 });
    expect(read('.codeium/windsurf/memories/global_rules.md')).toBe('# Mine\n');
    expect(read('.claude.json')).toContain('whitemagic');
    await run(['setup', '--remove', '--yes']);
    expect(JSON.parse(all()['.gemini/settings.json'] ?? '')).toEqual(JSON.parse(before['.gemini/settings.json'] ?? ''));
  });
});

describe('plugin for Claude Code', () => {
  it('has the hooks and the bridge that setup writes, and the version of the package', () => {
    const read = (path: string) => JSON.parse(readFileSync(join('mcp/cli/claude-plugin', path), 'utf8'));
    const launcher = `$${'{CLAUDE_PLUGIN_ROOT}'}/launch.mjs`;
    const launch = `node "${launcher}"`;
    const edits = hookEdits('claude-code', { home: '', appData: '', xdg: '', env: () => undefined }, launch);
    const expected = edits.map((edit) => (edit.kind === 'items' ? [edit.at[1], edit.items] : []));
    const actual = Object.entries(
      JSON.parse(JSON.stringify(read('hooks/hooks.json').hooks).replace(/(hook [a-z-]+)/g, '$1 --client claude-code')),
    );
    expect(actual).toEqual(expected);
    expect(read('.mcp.json').mcpServers.whitemagic.args).toEqual([launcher, 'mcp']);
    const { version } = JSON.parse(readFileSync('mcp/cli/package.json', 'utf8'));
    expect(read('.claude-plugin/plugin.json').version).toBe(version);
    const [plugin] = JSON.parse(readFileSync('.claude-plugin/marketplace.json', 'utf8')).plugins;
    expect(readFileSync(join(plugin.source, '.claude-plugin/plugin.json'), 'utf8')).toContain(`"${plugin.name}"`);
  });
});
