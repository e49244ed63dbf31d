import { type ApiModel, byResource, type Field, type Method, type ObjectType, pascal, type Type } from './model.ts';

const HEADER = '# Generated from the OpenAPI document by `npm run sdk`; do not edit.\n';
const RESERVED = new Set(['from', 'in', 'is', 'not', 'or', 'and', 'class', 'def', 'global', 'import', 'pass', 'copy']);

/** Writes the models of the Python client: pydantic for what is received, typed dictionaries for what is sent. */
export function pythonModels({ objects, events }: ApiModel, codes: readonly string[]): string {
  const sent = objects.filter(({ isInput }) => isInput);
  const received = objects.filter(({ isInput }) => !isInput);
  return [
    HEADER,
    'from typing import Any, Dict, List, Union\n',
    'from pydantic import Field',
    'from typing_extensions import Literal, Required, TypedDict\n',
    'from .._model import Model\n',
    `#: Code of a problem. Later versions of the service may have further ones.\nProblemCode = Literal[\n${codes.map((code) => `    "${code}",`).join('\n')}\n]\n`,
    ...sent.map(typedDict),
    ...received.map(model),
    `#: Body of a request to a webhook, by its type.\nWEBHOOK_EVENTS = {\n${events.map(({ type, object }) => `    "${type}": ${object},`).join('\n')}\n}`,
    `WebhookEvent = Union[\n${events.map(({ object }) => `    ${object},`).join('\n')}\n]\n`,
  ].join('\n');
}

/** Writes the methods of the Python client, for both the synchronous and the asynchronous one. */
export function pythonResources(api: ApiModel): string {
  const groups = [...byResource(api.methods)];
  const classes = (isAsync: boolean) => {
    const [prefix, transport] = isAsync ? ['Async', 'AsyncTransport'] : ['', 'SyncTransport'];
    return [
      ...groups.map(
        ([resource, own]) => `class ${prefix}${pascal(resource)}:
    def __init__(self, transport: ${transport}) -> None:
        self._transport = transport
${own.map((method) => methodText(method, isAsync)).join('')}
`,
      ),
      `class ${prefix}Resources:
    def __init__(self, transport: ${transport}) -> None:
${groups.map(([resource]) => `        self.${resource} = ${prefix}${pascal(resource)}(transport)`).join('\n')}

`,
    ].join('\n');
  };
  return [
    HEADER,
    'from typing import Any, AsyncIterator, Dict, Iterator, List, Optional, Union\n',
    'from typing_extensions import Literal\n',
    'from .._transport import NOT_GIVEN, AsyncTransport, NotGiven, Operation, SyncTransport',
    'from . import models as m\n',
    `${api.methods.map(operationText).join('\n')}\n\n`,
    classes(false),
    classes(true).trimEnd(),
    '',
  ].join('\n');
}

const constant = (id: string) => `_${id.replace('.', '_').toUpperCase()}`;

function operationText({
  id,
  httpMethod,
  path,
  inPath,
  inQuery,
  returns,
  takesIdempotencyKey,
  ...rest
}: Method): string {
  const list = (names: readonly string[]) =>
    `(${names
      .map((name) => `"${name}", `)
      .join('')
      .trimEnd()})`;
  const parse = (type: Type | undefined) => (type?.kind === 'object' ? `m.${type.name}` : 'None');
  const choices = rest.output.kind === 'union' ? rest.output.of : [rest.output];
  const models = returns === 'json' ? [...choices, ...(rest.receipt ? [rest.receipt] : [])] : [];
  return `${constant(id)} = Operation(
    "${httpMethod}", "${path}", ${list(inPath)}, ${list(inQuery)}, "${returns}", ${takesIdempotencyKey ? 'True' : 'False'}, (${models
      .map((type) => `${parse(type)}, `)
      .join('')
      .trimEnd()})
)`;
}

function methodText(method: Method, isAsync: boolean): string {
  const { id, summary, description, fields, output, returns, pageOf } = method;
  const name = safe(id.split('.')[1] ?? id);
  const text = [summary, description].filter(Boolean).join('. ').replace(/\.?$/, '.').replaceAll('\\', '\\\\');
  const type = returns === 'file' ? 'bytes' : returns === 'text' ? 'str' : typeText(output, 'm.');
  const parameters = (own: readonly Field[]) => [
    ...own.map(({ name: field, type: of, required }) =>
      required
        ? `        ${safe(field)}: ${typeText(of, 'm.')},\n`
        : `        ${safe(field)}: Union[${typeText(of, 'm.')}, NotGiven] = NOT_GIVEN,\n`,
    ),
    ...(method.takesIdempotencyKey ? ['        idempotency_key: Optional[str] = None,\n'] : []),
    '        timeout: Optional[float] = None,\n',
  ];
  const input = (own: readonly Field[]) => `{${own.map(({ name: field }) => `"${field}": ${safe(field)}`).join(', ')}}`;
  const options = `${method.takesIdempotencyKey ? 'idempotency_key' : 'None'}, timeout`;
  const [def, wait] = isAsync ? ['async def', 'await '] : ['def', ''];
  const call = `
    ${def} ${name}(
        self,
        *,
${parameters(fields).join('')}    ) -> ${type}:
        """${text}"""
        return ${wait}self._transport.call(${constant(id)}, ${input(fields)}, ${options})
`;
  if (!pageOf) return call;
  const own = fields.filter(({ name: field }) => field !== 'cursor');
  const iterator = isAsync ? 'AsyncIterator' : 'Iterator';
  return `${call}
    def iter_${name}(
        self,
        *,
${parameters(own).join('')}    ) -> ${iterator}[${typeText(pageOf, 'm.')}]:
        """Iterates over the results of all pages: ${summary.charAt(0).toLowerCase()}${summary.slice(1)}."""
        return self._transport.pages(${constant(id)}, ${input(own)}, ${options})
`;
}

function model({ name, fields }: ObjectType): string {
  const lines = fields.map(({ name: field, type, required, description }) => {
    const of = required || isNullable(type) ? typeText(type) : `Union[${typeText(type)}, None]`;
    const alias = safe(field) === field ? [] : [`alias="${field}"`];
    const fallback = required ? [] : ['default=None'];
    const settings = [...fallback, ...alias].join(', ');
    const comment = description ? `    #: ${description}\n` : '';
    return `${comment}    ${safe(field)}: ${of}${settings ? ` = ${settings === 'default=None' ? 'None' : `Field(${settings})`}` : ''}\n`;
  });
  return `\nclass ${name}(Model):\n${lines.join('') || '    pass\n'}`;
}

function typedDict({ name, fields }: ObjectType): string {
  const of = ({ type, required }: Field) => (required ? `Required[${typeText(type)}]` : typeText(type));
  // The class syntax does not allow a key that is a word of the language.
  if (fields.some((field) => safe(field.name) !== field.name)) {
    const entries = fields.map((field) => `        "${field.name}": ${of(field)},\n`);
    return `\n${name} = TypedDict(\n    "${name}",\n    {\n${entries.join('')}    },\n    total=False,\n)\n`;
  }
  const lines = fields.map((field) => {
    const comment = field.description ? `    #: ${field.description}\n` : '';
    return `${comment}    ${field.name}: ${of(field)}\n`;
  });
  return `\nclass ${name}(TypedDict, total=False):\n${lines.join('') || '    pass\n'}`;
}

const safe = (name: string) => (RESERVED.has(name) ? `${name}_` : name);
const isNullable = (type: Type) => type.kind === 'union' && type.of.some(({ kind }) => kind === 'null');

function typeText(type: Type, prefix = ''): string {
  switch (type.kind) {
    case 'string':
      return 'str';
    case 'integer':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
    case 'null':
      return 'None';
    case 'unknown':
      return 'Any';
    case 'literal':
      return `Literal[${type.values.map((value) => (typeof value === 'string' ? `"${value}"` : value ? 'True' : 'False')).join(', ')}]`;
    case 'array':
      return `List[${typeText(type.of, prefix)}]`;
    case 'record':
      return `Dict[str, ${typeText(type.of, prefix)}]`;
    case 'union':
      return `Union[${type.of.map((one) => typeText(one, prefix)).join(', ')}]`;
    case 'object':
      return prefix + type.name;
  }
}
