import { createRequire } from 'node:module';
import { type Html, html, ownHtml } from '../pages/html.ts';

/** The part of highlight.js that is used. Its own types would declare the DOM in the whole project. */
interface Highlighter {
  registerLanguage(name: string, grammar: unknown): void;
  getLanguage(name: string): unknown;
  highlight(code: string, options: { language: string }): { value: string };
}

const require = createRequire(import.meta.url);
/** Grammars by the name of the language in Markdown. */
const GRAMMARS = { sh: 'bash', toml: 'ini', json: 'json', python: 'python', ts: 'typescript' };

let loaded: Highlighter | undefined;

/** The text in samples in whose place a reader puts an API key. */
export const KEY_PLACEHOLDER = 'YOUR_API_KEY';

/** Renders code with classes for its parts. The placeholder of the key is an element, which a script of the page can fill in. */
export function highlight(code: string, language: string | undefined): Html {
  loaded ??= loadHighlighter();
  const hljs = loaded;
  const known = language !== undefined && hljs.getLanguage(language) !== undefined;
  const rendered = known ? hljs.highlight(code, { language }).value : html`${code}`.html;
  return ownHtml(rendered.replaceAll(KEY_PLACEHOLDER, `<span data-key>${KEY_PLACEHOLDER}</span>`));
}

/** Loads the library and its grammars, which takes longer than the other parts of a start. */
function loadHighlighter(): Highlighter {
  const hljs = require('highlight.js/lib/core') as Highlighter;
  for (const [name, grammar] of Object.entries(GRAMMARS)) {
    hljs.registerLanguage(name, require(`highlight.js/lib/languages/${grammar}`));
  }
  return hljs;
}
