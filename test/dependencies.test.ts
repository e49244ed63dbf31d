import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

interface LockedPackage {
  version?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  license?: string;
  /** Whether only development needs it. */
  dev?: boolean;
}

/** Licenses that allow to sell the service and to publish its source under MIT. */
const ALLOWED_LICENSES = [
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'Python-2.0',
  'MIT AND Apache-2.0',
  '(MIT OR CC0-1.0)',
  // Sentry's: anything but a competing error tracker, and Apache-2.0 after two years.
  'FSL-1.1-Apache-2.0',
];

const locked: Record<string, LockedPackage> = JSON.parse(read('package-lock.json')).packages;
/** Packages of others, by their path in `node_modules`. */
const installed = Object.entries(locked).filter(([path, { link }]) => path.includes('node_modules/') && !link);

describe('dependencies', () => {
  it.each(['package.json', 'mcp/cli/package.json'])('of %s are pinned exactly', (path) => {
    const manifest = JSON.parse(read(path));
    const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'];
    const ranges = kinds.flatMap((kind) => Object.entries<string>(manifest[kind] ?? {}));
    expect(ranges.filter(([, version]) => !EXACT.test(version))).toEqual([]);
  });

  it('have a checksum in the lockfile', () => {
    expect(installed.length).toBeGreaterThan(100);
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual(
      [],
    );
  });

  it('run no script when they are installed', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
  });

  it('that users install have licenses that allow it', () => {
    const shipped = installed.filter(([, { dev }]) => !dev);
    const licenses = shipped.map(([path, { license }]) => [path, license ?? '(none)'] as const);
    expect(licenses.length).toBeGreaterThan(50);
    expect(licenses.filter(([, license]) => !ALLOWED_LICENSES.includes(license))).toEqual([]);
  });

  it('report nothing to third parties', () => {
    expect(installed.map(([path]) => path).filter((path) => /@scarf\//.test(path))).toEqual([]);
  });
});

describe('actions of the workflows', () => {
  it.each(readdirSync(join(ROOT, '.github/workflows')))('in %s are pinned by digest', (file) => {
    const used = [...read(`.github/workflows/${file}`).matchAll(/uses: *(\S+)/g)].map((match) => match[1]);
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(action).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
  });
});

describe('secret scan', () => {
  it('finds a token of another service', () => {
    const command = join(ROOT, 'node_modules/secretlint', JSON.parse(read('node_modules/secretlint/package.json')).bin);
    // In parts, or the scan of this repository would find it here.
    const input = `export const token = '${['ghp', 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPL0k'].join('_')}';\n`;
    const args = [command, '--stdinFileName=settings.ts'];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', input });
    expect([status, stdout]).toEqual([1, expect.stringMatching(/github/i)]);
  });
});
