import { OPERATIONS, PUBLIC_OPERATIONS } from '../../contracts/index.ts';
import { jsonSchema } from '../../contracts/json-schema.ts';
import { TAGS } from '../../contracts/openapi/document.ts';
import {
  errorsOf,
  type Operation,
  type PublicOperation,
  publicErrorsOf,
  takesBody,
} from '../../contracts/operation.ts';
import type { ProblemCode } from '../../errors.ts';
import { slugOf } from '../slug.ts';
import { callSamples, pretty } from './call-samples.ts';
import { fieldTable } from './fields.ts';
import { markdownTable } from './markdown-table.ts';

const ALL: readonly (Operation | PublicOperation)[] = [
  ...(OPERATIONS as unknown as readonly Operation[]),
  ...PUBLIC_OPERATIONS,
];

/** The sections of the reference, each a page, by their tag in the OpenAPI document. */
export const REFERENCE_TAGS: readonly string[] = TAGS.map(({ name }) => name);

/** Returns the name of a section's page. */
export function referencePage(tag: string): string {
  return `api/${tag}`;
}

/** Returns the name of a section for people. */
export function sectionLabel(tag: string): string {
  return tag.charAt(0).toUpperCase() + tag.slice(1);
}

/** Returns the title of a section's page. */
export function referenceTitle(tag: string): string {
  return `${sectionLabel(tag)} · API reference`;
}

/** Returns the sentence that describes a section. */
export function sectionDescription(tag: string): string {
  return TAGS.find(({ name }) => name === tag)?.description ?? '';
}

/** Returns the path of the page, with anchor, that describes each call: by `POST /memories`, and by `POST /api/v1/memories`. */
export function operationPaths(): Map<string, string> {
  return new Map(
    ALL.flatMap(({ http: { method, path }, tag, summary }) => {
      const target = `/docs/${referencePage(tag)}#${slugOf(summary)}`;
      return [[`${method} ${path}`, target] as const, [`${method} /api/v1${path}`, target] as const];
    }),
  );
}

/** Writes the table of all operations. */
export function operationTable(): string {
  return TAGS.map(({ name, description }) => {
    const rows = ALL.filter(({ tag }) => tag === name).map(({ http, summary }) => [
      `\`${http.method} ${http.path}\``,
      `${summary}.`,
    ]);
    return `### ${sectionLabel(name)}\n\n${description}\n\n${markdownTable(['call', 'what it does'], rows)}`;
  }).join('\n\n');
}

/**
 * Writes the page of a section: each operation with its input, its response, its errors and a sample per language.
 * @param baseUrl address of the service in the samples
 */
export function operationReference(tag: string, baseUrl: string): string {
  const operations = ALL.filter((operation) => operation.tag === tag);
  return [
    `# ${referenceTitle(tag)}`,
    sectionDescription(tag),
    ...operations.map((operation) => describe(operation, baseUrl)),
  ].join('\n\n');
}

function describe(operation: Operation | PublicOperation, baseUrl: string): string {
  const { summary, description, http, input, output, example } = operation;
  const isPublic = !('access' in operation);
  const isForPeople = !isPublic && operation.access.sessionOnly === true;
  const inputSchema = jsonSchema(input, 'input', { formats: true });
  const outputSchema = jsonSchema(output, 'output');
  const errors = isPublic ? publicErrorsOf(operation) : errorsOf(operation);
  const hasInput = Object.keys(inputSchema.properties ?? {}).length > 0;
  return [
    `## ${summary}`,
    `\`${http.method} /api/v1${http.path}\``,
    [description, accessText(operation)].filter(Boolean).join(' '),
    hasInput ? `**${takesBody(operation) ? 'Input' : 'Parameters'}**` : '**Input:** none.',
    hasInput ? fieldTable(inputSchema, true) : '',
    isForPeople ? '' : callSamples(operation, baseUrl),
    `**Response** ${http.statuses.join(' or ')}`,
    exampleBlock(example.output),
    outputSchema.properties
      ? `<details>\n<summary>Fields of the response</summary>\n\n${fieldTable(outputSchema, false)}\n\n</details>`
      : '',
    isPublic ? `**Errors:** ${listCodes(errors)}.` : errorText(errors),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Error codes that every operation with a key can return. */
const SHARED_ERRORS: ReadonlySet<ProblemCode> = new Set(
  (OPERATIONS as unknown as readonly Operation[])
    .map(errorsOf)
    .reduce((shared, codes) => shared.filter((code) => codes.includes(code))),
);

/** Writes the error codes that every operation with a key can return. */
export function sharedErrors(): string {
  return `${listCodes([...SHARED_ERRORS])}.`;
}

function errorText(errors: readonly ProblemCode[]): string {
  const own = errors.filter((code) => !SHARED_ERRORS.has(code));
  const shared = '[those of every operation](../api.md#errors-of-every-operation)';
  return `**Errors:** ${own.length > 0 ? `${listCodes(own)}, and ${shared}` : shared}.`;
}

function listCodes(codes: readonly ProblemCode[]): string {
  return codes.map((code) => `\`${code}\``).join(', ');
}

function accessText(operation: Operation | PublicOperation): string {
  if (!('access' in operation)) return 'Needs no key.';
  const { access, execution, http } = operation;
  if (access.sessionOnly) return 'For a person who is signed in: the dashboard calls it, a key may not.';
  return [
    `Needs the scope \`${access.scope}\`.`,
    execution.kind === 'write' ? 'Honors `Idempotency-Key`.' : '',
    http.ifMatch ? 'Honors `If-Match`.' : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function exampleBlock(output: unknown): string {
  if (output === undefined) return 'A file, gzipped NDJSON.';
  const [language, text] = typeof output === 'string' ? ['csv', output.trimEnd()] : ['json', pretty(output)];
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
