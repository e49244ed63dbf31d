/** Returns the SQL of the text of a memory that is embedded. The same as `textOf` in api/embeddings/embedded-text.ts. */
export const wholeText = (table: string) =>
  `case when starts_with(${table}.content, ${table}.title) then ${table}.content else ${table}.title || e'\\n' || ${table}.content end`;
