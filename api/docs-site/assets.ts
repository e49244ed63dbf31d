import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { asset } from '../pages/assets.ts';

const folder = new URL('browser/', import.meta.url);

export const DOCS_STYLE = asset('docs.css', 'text/css', ['docs.css'], folder);
/** Runs before the page is drawn: applies the chosen language of samples. */
export const DOCS_EARLY_SCRIPT = asset('early.js', 'text/javascript', ['early.js'], folder);
/** Makes tabs of the samples, and fills in the reader's new key. */
export const DOCS_SCRIPT = asset('docs.js', 'text/javascript', ['docs.js'], folder);
/** Opens the search. */
export const SEARCH_SCRIPT = asset('search.js', 'text/javascript', ['search.js'], folder);
/** MiniSearch, which the search loads when it is first opened. */
export const SEARCH_ENGINE = asset(
  'minisearch.js',
  'text/javascript',
  ['index.js'],
  new URL('../es/', pathToFileURL(createRequire(import.meta.url).resolve('minisearch'))),
);
/** Every file that the pages load. */
export const DOCS_ASSETS = [DOCS_STYLE, DOCS_EARLY_SCRIPT, DOCS_SCRIPT, SEARCH_SCRIPT, SEARCH_ENGINE];
