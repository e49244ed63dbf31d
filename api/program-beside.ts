import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * Returns the file of a program beside a module, and the Node options that a process of it needs. Like the module it is TypeScript when
 * the service runs from source (tests, `npm run dev`), else JavaScript.
 * @param moduleUrl `import.meta.url` of the module
 * @param name of the file, without its extension
 */
export function programBeside(moduleUrl: string, name: string): { file: string; execArgv: string[] } {
  return {
    file: fileURLToPath(urlBeside(moduleUrl, name)),
    execArgv: isSource(moduleUrl) ? ['--import', pathToFileURL(createRequire(moduleUrl).resolve('tsx')).href] : [],
  };
}

/** Returns the module to start a thread with, for a program beside a module: see {@link programBeside}. */
export function threadBeside(moduleUrl: string, name: string): URL {
  const url = urlBeside(moduleUrl, name);
  if (!isSource(moduleUrl)) return url;
  // Node 20 does not load the first module of a thread by the loader that `--import` registers.
  const loader = import.meta.resolve('tsx/esm/api');
  const code = `import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(url)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

function urlBeside(moduleUrl: string, name: string): URL {
  return new URL(`./${name}.${isSource(moduleUrl) ? 'ts' : 'js'}`, moduleUrl);
}

function isSource(moduleUrl: string): boolean {
  return moduleUrl.endsWith('.ts');
}
