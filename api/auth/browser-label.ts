/** The first that matches names the browser: most of them also claim to be Chrome and Safari. */
const BROWSERS: [name: string, pattern: RegExp][] = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\b(OPR|Opera)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Vivaldi', /\bVivaldi\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bVersion\/.*\bSafari\//],
];

/** Android claims to be Linux, and an iPad can claim to be a Mac. */
const SYSTEMS: [name: string, pattern: RegExp][] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows NT\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
];

/** Characters of a `User-Agent` that are looked at. */
const LENGTH_MAX = 500;

/**
 * Names the browser of a `User-Agent` header for the list of sessions, such as `Firefox on Linux`. Returns an empty text for one that
 * it does not know: nothing of the header itself is stored.
 */
export function browserLabel(userAgent: string): string {
  const text = userAgent.slice(0, LENGTH_MAX);
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find(([, pattern]) => pattern.test(text))?.[0]);
  return browser && system ? `${browser} on ${system}` : (browser ?? system ?? '');
}
