import { type Draft, type Format, firstText, type Parsed } from '../draft.ts';

const TITLE_MAX = 500;
const TAG_MAX = 100;

/**
 * `@modelcontextprotocol/server-memory`: the lines of its `memory.json`, or the object that `read_graph` returns. An entity becomes a
 * memory of its observations, a relation a memory of one sentence.
 */
export const serverMemory: Format = {
  name: 'server_memory',
  matches: (record, list) =>
    list === 'entities' || list === 'relations'
      ? 'name' in record || 'from' in record
      : (record.type === 'entity' && 'observations' in record) ||
        (record.type === 'relation' && 'relationType' in record),
  parse(value, list) {
    const record = value as Record<string, unknown>;
    const type = record.type ?? (list === 'entities' ? 'entity' : list === 'relations' ? 'relation' : undefined);
    if (type === 'entity') return parseEntity(record);
    if (type === 'relation') return parseRelation(record);
    return { kind: 'rejected', why: 'type: must be entity or relation' };
  },
};

function parseEntity(record: Record<string, unknown>): Parsed {
  const name = firstText(record, ['name']);
  const entityType = firstText(record, ['entityType']);
  const { observations = [] } = record;
  if (name === undefined) return { kind: 'rejected', why: 'name: required' };
  if (!Array.isArray(observations) || observations.some((one) => typeof one !== 'string')) {
    return { kind: 'rejected', what: name, why: 'observations: must be a list of texts' };
  }
  const texts = (observations as string[]).filter((text) => text.trim() !== '');
  const draft: Draft = {
    title: name.slice(0, TITLE_MAX),
    content: texts.length > 0 ? texts.map((text) => `- ${text}`).join('\n') : name,
    tags: entityType && entityType.length <= TAG_MAX ? [entityType] : [],
    metadata: { source: 'server-memory', entity: name, ...(entityType && { entity_type: entityType }) },
  };
  return { kind: 'draft', draft };
}

function parseRelation(record: Record<string, unknown>): Parsed {
  const [from, to, relation] = ['from', 'to', 'relationType'].map((key) => firstText(record, [key]));
  if (!from || !to || !relation) return { kind: 'rejected', why: 'from, to, relationType: required' };
  const sentence = `${from} ${relation.replaceAll('_', ' ')} ${to}`;
  const metadata = { source: 'server-memory', from, relation, to };
  return {
    kind: 'draft',
    draft: { title: sentence.slice(0, TITLE_MAX), content: `${sentence}.`, tags: ['relation'], metadata },
  };
}
