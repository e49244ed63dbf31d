const START = '<!-- whitemagic: start -->';
const END = '<!-- whitemagic: end -->';
const SECTION = new RegExp(`(?:\\r?\\n)*${START}[\\s\\S]*?${END}(?:\\r?\\n)?`);

/** Adds a marked section at the end of a Markdown text, or replaces the one that is there. */
export function addSection(text: string, section: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const block = [START, ...section.trim().split('\n'), END].join(eol);
  const rest = removeSection(text).trimEnd();
  return `${rest}${rest === '' ? '' : eol + eol}${block}${eol}`;
}

/** Removes the marked section. */
export function removeSection(text: string): string {
  return text.replace(SECTION, (found) => (found.startsWith('\r') ? '\r\n' : found.startsWith('\n') ? '\n' : ''));
}
