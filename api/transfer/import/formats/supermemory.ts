import { type Format, firstText, restOf } from '../draft.ts';
import { isObject } from '../record.ts';

const TEXT_KEYS = ['content', 'memory', 'summary'];
const KNOWN = [
  ...TEXT_KEYS,
  'id',
  'title',
  'metadata',
  'containerTags',
  'containerTag',
  'createdAt',
  'updatedAt',
  'status',
  'isForgotten',
  'isLatest',
  'similarity',
  'orgId',
  'userId',
];
/** Prefix of the container tag of a project. */
const PROJECT = 'sm_project_';

/** supermemory: its documents and memory entries, as the list endpoints return them. */
export const supermemory: Format = {
  name: 'supermemory',
  matches: (record) =>
    'containerTags' in record ||
    'containerTag' in record ||
    'customId' in record ||
    ('createdAt' in record &&
      firstText(record, TEXT_KEYS) !== undefined &&
      ('updatedAt' in record || 'isLatest' in record)),
  parse(value) {
    const record = value as Record<string, unknown>;
    const content = firstText(record, TEXT_KEYS);
    const title = firstText(record, ['title']);
    if (content === undefined) return { kind: 'rejected', ...(title && { what: title }), why: 'content: required' };
    const containers = [record.containerTags ?? record.containerTag ?? []]
      .flat()
      .filter((tag) => typeof tag === 'string');
    const project = containers.find((tag) => tag.startsWith(PROJECT) && tag !== `${PROJECT}default`);
    const metadata = isObject(record.metadata) ? record.metadata : {};
    return {
      kind: 'draft',
      draft: {
        id: record.id,
        title,
        content,
        tags: containers.filter((tag) => !tag.startsWith(PROJECT)),
        project: project?.slice(PROJECT.length),
        created_at: record.createdAt,
        updated_at: record.updatedAt,
        status: record.isForgotten === true ? 'archived' : 'active',
        metadata: { source: 'supermemory', ...restOf(record, KNOWN), ...metadata },
      },
    };
  },
};
