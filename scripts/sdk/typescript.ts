import { type ApiModel, byResource, camel, type Field, type Method, pascal, type Type } from './model.ts';

const HEADER = '// Generated from the OpenAPI document by `npm run sdk`; do not edit.\n';

/** Writes the types of the TypeScript client: the objects, the inputs, the events and the codes of problems. */
export function typescriptTypes({ objects, methods, events }: ApiModel, codes: readonly string[]): string {
  const inputs = methods.filter(({ fields }) => fields.length > 0);
  return [
    HEADER,
    '/** Code of a problem. Later versions of the service may have further ones. */',
    `export type ProblemCode =\n${codes.map((code) => `  | '${code}'`).join('\n')};\n`,
    ...objects.map(({ name, fields }) => declare(name, fields)),
    ...inputs.map(({ id, summary, fields }) =>
      declare(`${pascal(id)}Input`, fields, `Input of \`${id}\`: ${summary.toLowerCase()}.`),
    ),
    '/** Body of a request to a webhook. */',
    `export type WebhookEvent =\n${events.map(({ object }) => `  | ${object}`).join('\n')};\n`,
  ].join('\n');
}

/** Writes the methods of the TypeScript client. */
export function typescriptResources({ methods }: ApiModel): string {
  const groups = [...byResource(methods)];
  return [
    HEADER,
    "import { type CallOptions, type Operation, Paged, type Transport } from '../transport.ts';",
    "import type * as t from './types.ts';\n",
    ...groups.map(
      ([resource, own]) => `export class ${pascal(resource)} {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }
${own.map(methodText).join('')}}
`,
    ),
    `/** The calls of the API by resource. */
export class Resources {
${groups.map(([resource]) => `  readonly ${resource}: ${pascal(resource)};`).join('\n')}

  constructor(transport: Transport) {
${groups.map(([resource]) => `    this.${resource} = new ${pascal(resource)}(transport);`).join('\n')}
  }
}

const OPERATIONS = {
${methods.map(operationText).join('\n')}
} as const satisfies Record<string, Operation>;
`,
  ].join('\n');
}

function operationText({ id, httpMethod, path, inPath, inQuery, returns, takesIdempotencyKey }: Method): string {
  const parts = [
    `method: '${httpMethod}'`,
    `path: '${path}'`,
    `inPath: ${JSON.stringify(inPath).replaceAll('"', "'")}`,
    `inQuery: ${JSON.stringify(inQuery).replaceAll('"', "'")}`,
    `returns: '${returns}'`,
    `takesIdempotencyKey: ${takesIdempotencyKey}`,
  ];
  return `  '${id}': { ${parts.join(', ')} },`;
}

function methodText(method: Method): string {
  const { id, summary, description, fields, output, returns, pageOf } = method;
  const name = camel(id.split('.')[1] ?? id);
  const input = `t.${pascal(id)}Input`;
  const isOptional = !fields.some(({ required }) => required);
  const parameters = fields.length === 0 ? [] : [isOptional ? `input: ${input} = {}` : `input: ${input}`];
  const signature = [...parameters, 'options?: CallOptions'].join(', ');
  const given = `OPERATIONS['${id}'], ${fields.length === 0 ? '{}' : 'input'}, options`;
  const type = returns === 'file' ? 'Response' : returns === 'text' ? 'string' : typeText(output, 't.');
  const text = [summary, description].filter(Boolean).join('. ').replace(/\.?$/, '.');
  const doc = `\n  /** ${text} */\n`;
  if (pageOf) {
    const item = typeText(pageOf, 't.');
    return `${doc}  ${name}(${signature}): Paged<${type}, ${item}> {
    return new Paged((cursor) => this.#transport.call(OPERATIONS['${id}'], cursor ? { ...input, cursor } : input, options));
  }
`;
  }
  return `${doc}  ${name}(${signature}): Promise<${type}> {
    return this.#transport.call(${given});
  }
`;
}

function declare(name: string, fields: readonly Field[], doc?: string): string {
  const lines = fields.map((field) => {
    const comment = field.description ? `  /** ${field.description.replaceAll('*/', '*\\/')} */\n` : '';
    const key = /^\w+$/.test(field.name) ? field.name : `'${field.name}'`;
    return `${comment}  ${key}${field.required ? '' : '?'}: ${typeText(field.type)};`;
  });
  return `${doc ? `/** ${doc} */\n` : ''}export interface ${name} {\n${lines.join('\n')}\n}\n`;
}

function typeText(type: Type, prefix = ''): string {
  switch (type.kind) {
    case 'integer':
      return 'number';
    case 'literal':
      return type.values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join(' | ');
    case 'array': {
      const of = typeText(type.of, prefix);
      return of.includes(' ') ? `(${of})[]` : `${of}[]`;
    }
    case 'record':
      return `Record<string, ${typeText(type.of, prefix)}>`;
    case 'union':
      return type.of.map((one) => typeText(one, prefix)).join(' | ');
    case 'object':
      return prefix + type.name;
    default:
      return type.kind;
  }
}
