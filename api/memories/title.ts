const LENGTH_MAX = 120;
/** Characters of the content that are read. */
const READ_MAX = 4_000;
const CODE_MARKER = /^\s*(```|~~~)/;
const HEADING = /^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/;
/** A horizontal rule, the frame of front matter, or the underline of a heading. */
const RULE = /^\s*([-*_=]\s*){3,}$/;
/** Marks before the text of a line: quotes, list items, check boxes. */
const LINE_MARKS = /^\s*(?:>\s*)*(?:(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?)?/;

/** Created with the first title: it loads the rules of all languages. */
let sentences: Intl.Segmenter | undefined;

/** Derives the title of a memory that has none: the first Markdown heading of the content, otherwise its first sentence, cut to 120 characters. */
export function titleOf(content: string): string {
  const lines = content.slice(0, READ_MAX).split(/\r\n|\r|\n/);
  const title = firstHeading(lines) ?? firstSentence(lines) ?? '';
  return shorten(title.trim() === '' ? content.slice(0, READ_MAX).trim() || content.trim() : title);
}

/** Returns the text of the first heading outside code blocks. */
function firstHeading(lines: readonly string[]): string | undefined {
  let isCode = false;
  for (const line of lines) {
    if (CODE_MARKER.test(line)) isCode = !isCode;
    const heading = isCode ? undefined : HEADING.exec(line)?.[1];
    if (heading) return plain(heading);
  }
  return undefined;
}

/** Returns the first sentence of the first paragraph. Its lines may be wrapped. */
function firstSentence(lines: readonly string[]): string | undefined {
  const isText = (line: string) =>
    !CODE_MARKER.test(line) && !RULE.test(line) && /\S/.test(line.replace(LINE_MARKS, ''));
  const start = lines.findIndex(isText);
  if (start < 0) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !isText(line) || LINE_MARKS.exec(line)?.[0].trim() !== '');
  const wrapped = end < 0 ? rest : rest.slice(0, end);
  const paragraph = plain([(lines[start] ?? '').replace(LINE_MARKS, ''), ...wrapped].join(' '));
  sentences ??= new Intl.Segmenter('en', { granularity: 'sentence' });
  const [first] = sentences.segment(paragraph);
  return first?.segment;
}

/** Removes emphasis and the targets of links. */
function plain(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/(\*\*|__|`)(.+?)\1/g, '$2')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** Cuts a text to {@link LENGTH_MAX} characters, between two words where possible. */
function shorten(text: string): string {
  const line = text.replace(/\s+/gu, ' ').trim();
  const characters = [...line];
  if (characters.length <= LENGTH_MAX) return line;
  const cut = characters.slice(0, LENGTH_MAX - 1).join('');
  const space = cut.lastIndexOf(' ');
  return `${(space > LENGTH_MAX / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
