import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const children = new Set<ChildProcess>();
let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'whitemagic-run-'));
  await cp(join(repository, 'scripts/run.mjs'), join(checkout, 'scripts/run.mjs'));
  await cp(join(repository, 'scripts/bootstrap'), join(checkout, 'scripts/bootstrap'), { recursive: true });
  for (const file of ['process-lock.mjs', 'process-lock.d.mts']) {
    await cp(join(repository, 'db/embedded', file), join(checkout, 'db/embedded', file));
  }
  await write('package.json', {
    name: 'temporary',
    version: '1.0.0',
    type: 'module',
    dependencies: { greet: '^1.0.0' },
  });
  await write('package-lock.json', lockFile('1.0.0'));
  const { compilerOptions, ...rest } = JSON.parse(await readFile(join(repository, 'tsconfig.json'), 'utf8'));
  await write('tsconfig.json', { compilerOptions: { ...compilerOptions, types: [] }, ...rest });
  await cp(join(repository, 'tsconfig.build.json'), join(checkout, 'tsconfig.build.json'));
  await write('api/main.ts', `${declarations}console.log('up'); setInterval(() => {}, 1000);`);
  await write('scripts/admin.ts', `${declarations}console.log(JSON.stringify(process.argv.slice(2)));`);
  await write('tools/npm-cli.js', fakeNpm);
  await writeTools('tools/node_modules');
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(checkout, { recursive: true, force: true, maxRetries: 5 });
});

describe('npm run › install', () => {
  test('two concurrent commands in a fresh clone install and build once, and both run', async () => {
    await write('slow', '');
    const [one, two] = await Promise.all([run('admin', '1').ended, run('admin', '2').ended]);

    expect([one.stdout, two.stdout]).toEqual(['["1"]\n', '["2"]\n']);
    const lines = (one.stderr + two.stderr).split('\n').filter(Boolean).sort();
    expect(lines).toEqual([
      'Building …',
      'Installing packages (first run, about a minute) …',
      expect.stringMatching(/^Waiting for another WhiteMagic command \(pid \d+\)/),
    ]);
    expect(await npmCalls()).toEqual([expect.stringMatching(/^ci --include=dev .*ONNXRUNTIME_NODE_INSTALL=skip$/)]);
  });

  test('the npm on the PATH installs offline, with NODE_ENV=production, and without install scripts', async () => {
    // No dependency comes from a registry: the compiler and the bundler are folders of the checkout.
    await write('vendor/typescript/package.json', { name: 'typescript', version: '0.0.1', bin: { tsc: 'tsc.js' } });
    await write('vendor/typescript/tsc.js', `import('${join(repository, 'node_modules/typescript/bin/tsc')}');`);
    await write('vendor/esbuild/package.json', { name: 'esbuild', version: '0.0.1', main: 'main.cjs' });
    await write('vendor/esbuild/main.cjs', `module.exports = require('${join(repository, 'node_modules/esbuild')}');`);
    const tools = { typescript: 'file:vendor/typescript', esbuild: 'file:vendor/esbuild' };
    const own = { name: 'temporary', version: '1.0.0', devDependencies: tools };
    await write('package.json', { ...own, type: 'module' });
    await write('package-lock.json', {
      ...own,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': own,
        'node_modules/typescript': { resolved: 'vendor/typescript', link: true },
        'vendor/typescript': { version: '0.0.1', dev: true, bin: { tsc: 'tsc.js' } },
        'node_modules/esbuild': { resolved: 'vendor/esbuild', link: true },
        'vendor/esbuild': { version: '0.0.1', dev: true },
      },
    });

    const env = {
      npm_execpath: undefined,
      NODE_ENV: 'production',
      npm_config_ignore_scripts: 'true',
      npm_config_offline: 'true',
    };
    const first = await start(['admin', 'a'], env).ended;
    expect(first).toMatchObject({ code: 0, stdout: '["a"]\n' });
    expect(await start(['admin', 'b'], env).ended).toEqual({ code: 0, signal: null, stdout: '["b"]\n', stderr: '' });
  });

  test('packages that were installed by hand are not reinstalled', async () => {
    await write('node_modules/.package-lock.json', lockFile('1.0.0'));
    await write('node_modules/greet/package.json', { name: 'greet', version: '1.0.0' });
    await writeTools('node_modules');

    expect((await run('admin').ended).stderr).toBe('Building …\n');
    expect(await npmCalls()).toEqual([]);
  });

  test('a changed lock file installs again', async () => {
    await run('build').ended;
    await write('package-lock.json', lockFile('1.0.1'));

    expect((await run('build').ended).stderr).toContain('Installing packages (package-lock.json has changed) …\n');
    expect(await npmCalls()).toHaveLength(2);
  });

  test('a failed install prints the output of npm, runs nothing, and is retried by the next command', async () => {
    await write('fail', '');
    expect(await run('admin').ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('npm error no way'),
    });
    await rm(join(checkout, 'fail'));
    expect(await run('admin').ended).toMatchObject({ code: 0, stdout: '[]\n' });
  });
});

describe('npm run › while a service runs', () => {
  test('packages are reinstalled only after the service was killed', async () => {
    const service = run('start');
    await service.prints('up');
    await write('package-lock.json', lockFile('1.0.1'));

    const rejected = await run('admin').ended;
    expect(rejected).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`start (pid ${service.pid})`),
    });
    expect(await npmCalls()).toHaveLength(1);

    service.child.kill('SIGKILL');
    await service.ended;
    expect(await run('admin').ended).toMatchObject({ code: 0, stdout: '[]\n' });
    expect(await npmCalls()).toHaveLength(2);
  });

  test('another process with the pid of a killed service does not block an install', async () => {
    await run('build').ended;
    await write(`.bootstrap/running/start.${process.pid}.000000000000`, '');
    await write('package-lock.json', lockFile('1.0.1'));

    expect(await run('admin').ended).toMatchObject({ code: 0 });
    expect(await readdir(join(checkout, '.bootstrap/running'))).toEqual([]);
  });

  test('the service runs in the started process itself', async () => {
    const service = run('start');
    await service.prints('up');
    service.child.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});

describe('npm run › build', () => {
  test('prints nothing when nothing has changed', async () => {
    await run('build').ended;
    expect(await run('admin', '--json', 'x y').ended).toMatchObject({ stdout: '["--json","x y"]\n', stderr: '' });
  });

  test('updates dist for changed, new and removed sources, and for other files beside the code', async () => {
    await write('db/old.ts', `export const text = 'old';`);
    await write('db/sql/find.sql', 'select 1');
    await write('mcp/cli/whitemagic.ts', 'export {};');
    await write('scripts/admin.ts', `${declarations}const { text } = await import('../db/old.ts'); console.log(text);`);
    expect((await run('admin').ended).stdout).toBe('old\n');
    const before = await stat(join(checkout, 'dist/db/sql/find.sql'));
    const chunks = () => readdir(join(checkout, 'dist/chunks'));

    await rm(join(checkout, 'db/old.ts'));
    for (const [name, kept] of [
      ['new', 'old'],
      ['newer', 'new'],
    ]) {
      await write(`db/${name}.ts`, `${importMeta}export const text = import.meta.url;`);
      await write(
        'scripts/admin.ts',
        `${declarations}const { text } = await import('../db/${name}.ts'); console.log(text);`,
      );
      const file = pathToFileURL(join(checkout, `dist/db/${name}.js`)).href;
      expect(await run('admin').ended).toMatchObject({ stdout: `${file}\n`, stderr: 'Building …\n' });
      // A service that runs from the last build may still load its parts.
      expect(
        (await chunks())
          .filter((file) => !file.endsWith('.map'))
          .map((file) => file.split('-')[0])
          .sort(),
      ).toEqual([name, kept].sort());
    }
    expect((await stat(join(checkout, 'dist/db/sql/find.sql'))).ino).toBe(before.ino);
    expect((await stat(join(checkout, 'dist/mcp/cli/whitemagic.js'))).mode & 0o111).toBe(0o111);
    expect((await stat(join(checkout, 'mcp/cli/dist/whitemagic.js'))).mode & 0o111).toBe(0o111);
    expect(JSON.parse(await readFile(join(checkout, 'dist/scripts/admin.js.map'), 'utf8')).sources).toEqual([
      '../../scripts/admin.ts',
    ]);

    await write('db/sql/find.sql', 'select 22');
    await run('build').ended;
    expect(await readFile(join(checkout, 'dist/db/sql/find.sql'), 'utf8')).toBe('select 22');
  });

  test('runs again when a file was deleted from dist', async () => {
    await run('build').ended;
    await rm(join(checkout, 'dist/scripts/admin.js'));
    expect(await run('admin').ended).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  test('fails for code that does not compile, and keeps the last build', async () => {
    await run('build').ended;
    const before = await readFile(join(checkout, 'dist/scripts/admin.js'), 'utf8');
    await write('scripts/admin.ts', 'export const one: number = "one";');

    const { code, stdout, stderr } = await run('admin').ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('TS2322');
    expect(await readFile(join(checkout, 'dist/scripts/admin.js'), 'utf8')).toBe(before);
  });
});

describe('npm run › build of the dashboard', () => {
  beforeEach(async () => {
    await write('api/dashboard/vite.config.ts', '');
    await write('api/dashboard/src/main.tsx', 'one');
    // Without the installer: it would remove a tool that the lock file does not name.
    await write('tools/node_modules/vite/package.json', { name: 'vite', type: 'module', bin: { vite: 'vite.js' } });
    await write('tools/node_modules/vite/vite.js', fakeVite);
  });

  test('builds what has changed, once, and keeps the files of the build before', async () => {
    expect((await run('build').ended).stderr).toContain('Building …\nBuilding the dashboard …\n');
    expect(await readdir(join(checkout, 'dist/dashboard/assets'))).toEqual(['one.js']);
    expect((await run('build').ended).stderr).toBe('');

    for (const name of ['two', 'three']) {
      await write('api/dashboard/src/main.tsx', name);
      expect((await run('build').ended).stderr).toBe('Building the dashboard …\n');
    }
    expect((await readdir(join(checkout, 'dist/dashboard/assets'))).sort()).toEqual(['three.js', 'two.js']);
    expect(await readFile(join(checkout, 'dist/dashboard/index.html'), 'utf8')).toBe('three');
  });

  test('fails when it does not build, and keeps the last build', async () => {
    await run('build').ended;
    await write('api/dashboard/src/main.tsx', 'fail');
    const { code, stderr } = await run('admin').ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Building the dashboard …\nThe dashboard does not build; dist/dashboard/ is left as it was.\n',
    });
    expect(await readFile(join(checkout, 'dist/dashboard/index.html'), 'utf8')).toBe('one');
  });
});

describe('npm run › lock', () => {
  test('is free when its holder is killed', async () => {
    await run('build').ended;
    const holder = startScript(`${acquire} console.log('held'); setInterval(() => {}, 1000);`);
    await holder.prints('held');
    const waiting = run('admin');
    await waiting.warns(`Waiting for another WhiteMagic command (pid ${holder.pid})`);

    holder.child.kill('SIGKILL');
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  test('is held by an npm process that outlives its killed parent, so that two never install at once', async () => {
    await write('slow', '');
    const killed = run('admin');
    await vi.waitFor(async () => expect(await npmCalls()).toHaveLength(1), 5000);
    // Its pid is written into the lock right after its start.
    await sleep(100);
    killed.child.kill('SIGKILL');
    await killed.ended;

    const next = await run('admin').ended;
    expect(next).toMatchObject({
      code: 0,
      stdout: '[]\n',
      stderr: expect.stringMatching(/^Waiting .*\nBuilding …\n$/),
    });
    expect(await npmCalls()).toHaveLength(1);
  });

  test('is held by one process at a time, also when holders are killed', async () => {
    const turns = `for (let turn = 0; turn < 8; turn++) { ${acquire}
      writeFileSync('inside', '', { flag: 'wx' });
      writeFileSync('count', String(1 + Number(readFileSync('count', 'utf8'))));
      rmSync('inside');
      lock.release(); }`;
    const dies = `${acquire} process.kill(process.pid, 'SIGKILL');`;
    await write('count', '0');

    const scripts = [turns, dies, turns, dies, turns, turns, dies].map((script) => startScript(script).ended);
    expect((await Promise.all(scripts)).map(({ stderr }) => stderr).join('')).toBe('');
    expect(await readFile(join(checkout, 'count'), 'utf8')).toBe('32');
  });
});

describe('npm run › tools', () => {
  test('receive the arguments, and set the exit code', async () => {
    await run('build').ended;
    expect(await run('test', 'exit', '3').ended).toMatchObject({ code: 3, stdout: 'vitest run exit 3\n' });
  });

  test('receive the signals of their parent', async () => {
    await run('build').ended;
    const tests = run('test', 'wait');
    await tests.prints('vitest run wait');
    tests.child.kill('SIGTERM');
    expect(await tests.ended).toMatchObject({ code: 7 });
  });

  test('check runs every step, and fails when one does', async () => {
    await write('api/dashboard/tsconfig.json', { extends: '../../tsconfig.json', include: ['src'], exclude: [] });
    await write('api/dashboard/src/main.ts', 'export const one: number = "one";');
    await run('build').ended;
    const { code, stdout } = await run('check').ended;
    expect(code).toBe(1);
    expect(stdout.replace(/\d+\.\d/g, 'N').split('\n')).toEqual([
      'biome check --error-on-warnings .',
      '✗ biome (N s)',
      '✓ types (N s)',
      expect.stringContaining('TS2322'),
      '✗ dashboard types (N s)',
      '',
    ]);
  });
});

test('npm run › prints the list of commands for an unknown one', async () => {
  expect(await run('strat').ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('  start ') });
  expect(await run('--help').ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('  start ') });
  expect(existsSync(join(checkout, '.bootstrap'))).toBe(false);
});

/** Declarations of the parts of Node that the programs of the temporary checkout use: it has no @types/node. */
const declarations = 'declare const process: any, console: any, setInterval: any; export {};\n';

const importMeta = 'declare global { interface ImportMeta { url: string } }\n';

const acquire = `const lock = await waitForLock('.bootstrap');`;

/** A fake Vite, whose build has a page and a file named after the content of the only source. */
const fakeVite = `
  import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
  const outDir = process.argv[process.argv.indexOf('--outDir') + 1];
  const name = readFileSync('api/dashboard/src/main.tsx', 'utf8');
  if (name === 'fail') process.exit(1);
  mkdirSync(outDir + '/assets', { recursive: true });
  writeFileSync(outDir + '/index.html', name);
  writeFileSync(outDir + '/assets/' + name + '.js', '');`;

/**
 * A fake npm that installs `greet` as locked, and the tools. Like the real one, it may be slow, and writes its record of
 * the installed packages last.
 */
const fakeNpm = `
  import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
  const call = [...process.argv.slice(2), 'ONNXRUNTIME_NODE_INSTALL=' + process.env.ONNXRUNTIME_NODE_INSTALL];
  appendFileSync('npm-calls', call.join(' ') + '\\n');
  if (existsSync('fail')) {
    console.error('npm error no way');
    process.exit(1);
  }
  rmSync('node_modules', { recursive: true, force: true });
  setTimeout(() => {
    mkdirSync('node_modules/greet', { recursive: true });
    cpSync('tools/node_modules', 'node_modules', { recursive: true, verbatimSymlinks: true });
    cpSync('package-lock.json', 'node_modules/.package-lock.json');
  }, existsSync('slow') ? 1200 : 0);
`;

/** Installs the real compiler, and two tools that print their arguments. */
async function writeTools(folder: string) {
  const say = "console.log([name, ...process.argv.slice(2)].join(' '));";
  await write(`${folder}/vitest/package.json`, { name: 'vitest', type: 'module', bin: { vitest: 'vitest.js' } });
  await write(
    `${folder}/vitest/vitest.js`,
    `const name = 'vitest'; const [, what, code] = process.argv.slice(2);
    if (what === 'wait') process.on('SIGTERM', () => process.exit(7)) && setInterval(() => {}, 1000);
    process.exitCode = Number(code ?? 0);
    ${say}`,
  );
  await write(`${folder}/@biomejs/biome/package.json`, { name: '@biomejs/biome', bin: { biome: 'biome.js' } });
  await write(`${folder}/@biomejs/biome/biome.js`, `const name = 'biome'; process.exitCode = 2; ${say}`);
  for (const name of ['typescript', 'esbuild']) {
    await symlink(join(repository, 'node_modules', name), join(checkout, folder, name));
  }
}

function lockFile(version: string) {
  const own = { name: 'temporary', version: '1.0.0', dependencies: { greet: '^1.0.0' } };
  const elsewhere = { version: '1.0.0', integrity: 'sha512-none', optional: true, os: ['some-os'] };
  const packages = {
    '': own,
    'node_modules/greet': { version, integrity: `sha512-${version}` },
    'node_modules/other': elsewhere,
  };
  return { name: 'temporary', version: '1.0.0', lockfileVersion: 3, requires: true, packages };
}

async function write(path: string, content: string | object) {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
}

function run(...args: string[]) {
  return start(args, { npm_execpath: join(checkout, 'tools/npm-cli.js') });
}

function start(args: string[], env: NodeJS.ProcessEnv) {
  return watch(['scripts/run.mjs', ...args], env);
}

/** Starts a process that runs `body` with the functions of the lock. */
function startScript(body: string) {
  const imports = `import { readFileSync, rmSync, writeFileSync } from 'node:fs';
    import { waitForLock } from './scripts/bootstrap/lock.mjs';`;
  return watch(['--input-type=module', '--eval', `${imports} ${body}`], {});
}

function watch(args: string[], env: NodeJS.ProcessEnv) {
  // Not the environment of this process, which contains settings of vitest and npm.
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    env: { PATH, HOME, TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  const until = (stream: 'stdout' | 'stderr') => (text: string) =>
    vi.waitFor(() => expect(output[stream]).toContain(text), { timeout: 10_000, interval: 20 });
  return { child, pid: child.pid, ended, prints: until('stdout'), warns: until('stderr') };
}

async function npmCalls() {
  if (!existsSync(join(checkout, 'npm-calls'))) return [];
  return (await readFile(join(checkout, 'npm-calls'), 'utf8')).trim().split('\n');
}
