/** HTML that needs no escaping. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** Template tag for HTML. Escapes interpolated values, except `Html`; renders `undefined` and `false` as an empty string. */
export function html(literals: TemplateStringsArray, ...parts: Part[]): Html {
  return { html: literals.map((literal, i) => literal + render(parts[i])).join('') };
}

/** Marks a text as HTML without escaping it. Only for files of this repository, never for user input. */
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
