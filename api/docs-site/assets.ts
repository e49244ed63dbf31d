import { asset } from '../pages/assets.ts';

const folder = new URL('browser/', import.meta.url);

export const DOCS_STYLE = asset('docs.css', 'text/css', ['docs.css'], folder);
/** Runs before the page is drawn: applies the chosen language of samples. */
export const DOCS_EARLY_SCRIPT = asset('early.js', 'text/javascript', ['early.js'], folder);
/** Makes tabs of the samples, and fills in the reader's new key. */
export const DOCS_SCRIPT = asset('docs.js', 'text/javascript', ['docs.js'], folder);
