/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** A piece of a page. What is put in is escaped, unless it is such a piece itself; `undefined` and `false` are nothing. */
export function html(literals: TemplateStringsArray, ...parts: Part[]): Html {
  return { html: literals.map((literal, i) => literal + render(parts[i])).join('') };
}

/** HTML of our own making, from a file of this repository: never of anybody's input. */
export function ownHtml(text: string): Html {
  return { html: text };
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (Array.isArray(part)) return part.map(render).join('');
  if (typeof part === 'object') return (part as Html).html;
  return escapeHtml(String(part));
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
