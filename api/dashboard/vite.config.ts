import { readFileSync } from 'node:fs';
import optimizeLocales from '@react-aria/optimize-locales-plugin';
import { defineConfig, type Plugin } from 'vite';
import { OPERATIONS, OPERATOR_OPERATIONS } from '../contracts/index.ts';

const { version } = JSON.parse(readFileSync(`${import.meta.dirname}/../../package.json`, 'utf8'));

/** Id of the module that lists the operations of the contracts; see `src/api/operations.d.ts`. */
const OPERATIONS_MODULE = 'virtual:operations';

/** Provides method and path of every operation, so that the browser needs no schema. */
function operations(): Plugin {
  const resolved = `\0${OPERATIONS_MODULE}`;
  return {
    name: 'operations',
    resolveId: (id) => (id === OPERATIONS_MODULE ? resolved : undefined),
    load(id) {
      if (id !== resolved) return undefined;
      const entries = [...OPERATIONS, ...OPERATOR_OPERATIONS].map(({ id: name, http: { method, path } }) => [
        name,
        [method, path],
      ]);
      return `export const OPERATIONS = ${JSON.stringify(Object.fromEntries(entries))};`;
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: '/app/',
  define: { __VERSION__: JSON.stringify(version) },
  plugins: [operations(), { ...optimizeLocales.vite({ locales: ['en-US'] }), enforce: 'pre' }],
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // A data URL would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      onwarn: (warning, warn) => {
        // React's directives for servers mean nothing in a browser.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  esbuild: { jsx: 'automatic', legalComments: 'none' },
});
