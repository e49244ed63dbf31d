/** Returns the beginning of a memory's content on one line, without the signs of Markdown and without its title again. */
export function excerptOf({ title, content }: { title: string; content: string }): string {
  const text = content
    .slice(0, 600)
    .replace(/!?\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replace(/```\w*/gu, ' ')
    .replace(/^\s*(?:[-+*>|]|#{1,6})\s+/gmu, '')
    .replace(/[*_`~|]+/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  return text.startsWith(title) ? text.slice(title.length).trim() || text : text;
}
