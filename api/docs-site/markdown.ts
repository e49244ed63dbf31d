import { Marked, type Token, type Tokens } from 'marked';
import { type Html, html, ownHtml } from '../pages/html.ts';
import { highlight } from './highlight.ts';
import { SAMPLE_LANGUAGES, type SampleLanguage } from './samples.ts';
import { uniqueSlugs } from './slug.ts';

export interface Heading {
  /** 1 to 6. */
  depth: number;
  text: string;
  anchor: string;
}

export interface Rendered {
  body: Html;
  headings: Heading[];
}

interface RenderOptions {
  /** Converts the target of a link. */
  link: (href: string) => string;
  /** Returns the path that explains a code span, such as an error code. */
  term?: (text: string) => string | undefined;
}

/** Ids of the page around the text. */
const PAGE_IDS = ['content', 'copy-status'];

/**
 * Renders Markdown of this repository. Headings and rows of tables that begin with code get anchors, code gets a copy button, and
 * consecutive code blocks in the languages of samples become tabs.
 */
export function renderMarkdown(markdown: string, { link, term = () => undefined }: RenderOptions): Rendered {
  const headings: Heading[] = [];
  const slug = uniqueSlugs();
  const anchors = new Set(PAGE_IDS);
  let codes = 0;
  /** Depth of links and headings, in which a code span does not become a link. */
  let linked = 0;

  const copyable = (code: string, language: string | undefined, label: string) => {
    const id = `code-${++codes}`;
    return html`<div class="copyable"><pre${!code.includes('\n') && html` class="line"`} tabindex="0" aria-label="${label}"><code id="${id}">${highlight(code, language)}</code></pre>
<button type="button" class="button quiet" data-copies="${id}" aria-label="Copy: ${label}" hidden>Copy</button></div>`;
  };

  const samples = (blocks: readonly Tokens.Code[], title: string) => {
    const group = `samples-${codes + 1}`;
    const languages = blocks.map(({ lang }) => lang as SampleLanguage);
    const tabs = languages.map(
      (language) =>
        html`<button type="button" role="tab" id="${group}-${language}-tab" aria-controls="${group}-${language}" data-language="${language}">${SAMPLE_LANGUAGES[language]}</button>`,
    );
    const panels = blocks.map(({ text, lang }) => {
      const language = lang as SampleLanguage;
      const name = SAMPLE_LANGUAGES[language];
      return html`<div class="sample" id="${group}-${language}" data-language="${language}"><p class="language">${name}</p>${copyable(text, language, `${title}, ${name}`)}</div>`;
    });
    return html`<div class="samples"><div class="tabs" role="tablist" aria-label="Language">${tabs}</div>${panels}</div>`
      .html;
  };

  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        linked++;
        const inner = this.parser.parseInline(tokens);
        linked--;
        const text = this.parser.parseInline(tokens, this.parser.textRenderer);
        const anchor = slug(text);
        anchors.add(anchor);
        headings.push({ depth, text, anchor });
        const mark = depth === 1 ? '' : `<a class="anchor" href="#${anchor}" aria-label="Link to this section">#</a>`;
        return `<h${depth} id="${anchor}">${inner}${mark}</h${depth}>\n`;
      },
      code({ text, lang }) {
        return copyable(text, lang, headings.at(-1)?.text ?? 'Code').html;
      },
      codespan({ text }) {
        const code = html`<code>${text}</code>`.html;
        const path = linked === 0 ? term(text) : undefined;
        return path === undefined ? code : `<a class="term" href="${path}">${code}</a>`;
      },
      link({ href, tokens }) {
        linked++;
        const inner = this.parser.parseInline(tokens);
        linked--;
        return html`<a href="${link(href)}">${ownHtml(inner)}</a>`.html;
      },
      table({ header, rows }) {
        const cell = (tokens: Token[]) => ownHtml(this.parser.parseInline(tokens));
        const labels = header.map(({ tokens }) => this.parser.parseInline(tokens, this.parser.textRenderer));
        const row = (cells: Tokens.TableCell[]) => {
          const anchor = rowAnchor(cells, anchors);
          return html`<tr${anchor && html` id="${anchor}"`}>${cells.map(({ tokens }, i) => html`<td data-label="${labels[i]}">${cell(tokens)}</td>`)}</tr>
`;
        };
        return html`<div class="table"><table>
<thead><tr>${header.map(({ tokens }) => html`<th scope="col">${cell(tokens)}</th>`)}</tr></thead>
<tbody>
${rows.map(row)}</tbody>
</table></div>
`.html;
      },
    },
  });

  // Token by token, since the renderers need the heading before the code.
  const parts = groupSamples(marked.lexer(markdown)).map((part) =>
    Array.isArray(part) ? samples(part, headings.at(-1)?.text ?? 'Sample') : marked.parser([part]),
  );
  return { body: ownHtml(parts.join('')), headings };
}

/** Returns the anchor of a row: the code that it begins with, where that is a name and not an anchor yet. */
function rowAnchor(cells: Tokens.TableCell[], anchors: Set<string>): string | undefined {
  const [first] = cells[0]?.tokens ?? [];
  if (first?.type !== 'codespan' || !/^[\w.-]+$/.test(first.text) || anchors.has(first.text)) return undefined;
  anchors.add(first.text);
  return first.text;
}

/** Returns the tokens, with each run of code blocks in languages of samples as one array. */
export function groupSamples(tokens: readonly Token[]): (Token | Tokens.Code[])[] {
  const parts: (Token | Tokens.Code[])[] = [];
  for (const token of tokens) {
    const last = parts.at(-1);
    if (isSample(token)) {
      if (Array.isArray(last) && !last.some(({ lang }) => lang === token.lang)) last.push(token);
      else parts.push([token]);
    } else if (token.type !== 'space') parts.push(token);
  }
  return parts.flatMap((part) => (Array.isArray(part) && part.length === 1 ? part : [part]));
}

function isSample(token: Token): token is Tokens.Code {
  return token.type === 'code' && token.lang !== undefined && token.lang in SAMPLE_LANGUAGES;
}
