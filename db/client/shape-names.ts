/** Statements of one kind that get a name; the server keeps each on every connection. */
const SHAPES_MAX = 24;

/**
 * Creates a function that names the statements of one kind by their texts, which differ with the conditions of a filter: the first
 * {@link SHAPES_MAX} texts. Others get no name, and are planned anew at each execution. For texts of few forms: a caller could otherwise use
 * up the names with texts that no other call has.
 */
export function shapeNames(kind: string): (text: string) => { name?: string } {
  const names = new Map<string, { name: string }>();
  return (text) => {
    const known = names.get(text);
    if (known || names.size === SHAPES_MAX) return known ?? {};
    const made = { name: `${kind}_${names.size + 1}` };
    names.set(text, made);
    return made;
  };
}
