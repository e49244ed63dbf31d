/*
 * The client of a call, as it is recorded: a product token such as `claude-code/2.1.328`. It has no comment, no address and no free text
 * of a header, so it says which program called and nothing about the person.
 */

const NAME_LENGTH_MAX = 40;
/** Longer headers are not products but padding. */
const HEADER_LENGTH_MAX = 1_000;

/** Products that a browser, or an application that contains one, names beside itself. */
const BROWSER_PARTS = new Set(['mozilla', 'applewebkit', 'khtml', 'gecko', 'version', 'mobile', 'electron']);
/** Browsers that others name too, for compatibility. */
const COMMON_BROWSERS = ['chrome', 'safari'];
/** Short names of browsers, and their usual ones. */
const BROWSER_NAMES: Record<string, string> = { edg: 'edge', opr: 'opera', crios: 'chrome', fxios: 'firefox' };

/** HTTP libraries: they name themselves when the program that uses them does not. */
const LIBRARIES = new Set([
  'node',
  'node-fetch',
  'undici',
  'bun',
  'deno',
  'axios',
  'got',
  'python',
  'python-httpx',
  'python-requests',
  'python-urllib',
  'aiohttp',
  'reqwest',
  'rmcp',
  'hyper',
  'go-http-client',
  'java-http-client',
  'okhttp',
  'ktor-client',
  'dart',
]);

/** Returns the product token of a `User-Agent` header; null for a header that names no product. */
export function clientOfUserAgent(header: string): string | null {
  const products = header
    .slice(0, HEADER_LENGTH_MAX)
    .replace(/\([^()]*\)/g, ' ')
    .split(/[\s,;()]+/)
    .flatMap((word) => {
      const [name = '', version = ''] = word.split('/');
      return /^[A-Za-z][A-Za-z0-9._+-]*$/.test(name) ? [{ name: name.toLowerCase(), version }] : [];
    });
  const [first] = products;
  if (!first) return null;
  if (first.name !== 'mozilla') return clientToken(first.name, first.version);
  const own = products.filter(({ name }) => !BROWSER_PARTS.has(name));
  const product =
    own.find(({ name }) => !COMMON_BROWSERS.includes(name)) ??
    own.find(({ name }) => name === 'chrome') ??
    own.find(({ name }) => name === 'safari');
  if (!product) return 'browser';
  return clientToken(BROWSER_NAMES[product.name] ?? product.name, product.version.split('.')[0]);
}

/** Returns the product token of the `clientInfo` of `initialize`; null when it names no client. */
export function clientOfInfo({ name, version }: { name: string; version?: string | undefined }): string | null {
  const token = clientToken(name.replace(/\(.*/s, ''), version);
  return token === 'unknown' || token?.startsWith('unknown/') ? null : token;
}

/** Returns whether a client is an HTTP library, which any program may use. */
export function isLibrary(client: string | null): boolean {
  return client === null || LIBRARIES.has(client.split('/')[0] as string);
}

/** Builds a token: the name in lower case with hyphens for other characters, and at most three numbers of the version. */
function clientToken(name: string, version = ''): string | null {
  const product = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._+]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/^[^a-z]+|[^a-z0-9+]+$/g, '');
  if (product === '') return null;
  const number = /^v?(\d{1,6}(?:\.\d{1,6}){0,2})/.exec(version)?.[1];
  return number ? `${product}/${number}` : product;
}
