/** Returns the text of a memory that is embedded: title and content, or the content alone if it starts with the title. */
export function textOf({ title, content }: { title: string; content: string }): string {
  return content.startsWith(title) ? content : `${title}\n${content}`;
}
