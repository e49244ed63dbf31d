import type { JsonSchema } from '../../api/contracts/json-schema.ts';

/** Type of a value in the generated clients. */
export type Type =
  | { kind: 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'unknown' }
  | { kind: 'literal'; values: readonly (string | number | boolean)[] }
  | { kind: 'array' | 'record'; of: Type }
  | { kind: 'union'; of: readonly Type[] }
  | { kind: 'object'; name: string };

/** A field of an object or of a call's input. */
export interface Field {
  name: string;
  type: Type;
  required: boolean;
  description?: string | undefined;
}

/** An object with a name of its own; objects of one structure share it. */
export interface ObjectType {
  name: string;
  fields: readonly Field[];
  /** Whether it is sent, rather than received. */
  isInput: boolean;
}

/** A call of the REST API. */
export interface Method {
  id: string;
  summary: string;
  description?: string | undefined;
  httpMethod: string;
  path: string;
  inPath: readonly string[];
  inQuery: readonly string[];
  fields: readonly Field[];
  output: Type;
  /** Output for a key without `memories:read`. */
  receipt?: Type | undefined;
  /** Form of the response's body. */
  returns: 'json' | 'text' | 'file';
  /** Whether a repeat with the same `Idempotency-Key` has no further effect. */
  takesIdempotencyKey: boolean;
  /** Type of the entries of a list that is read page by page. */
  pageOf?: Type | undefined;
}

/** An event that is sent to a webhook. */
export interface EventType {
  type: string;
  object: string;
}

/** The REST API, independent of a language. */
export interface ApiModel {
  objects: readonly ObjectType[];
  methods: readonly Method[];
  events: readonly EventType[];
}

interface Described {
  operationId: string;
  summary: string;
  description?: string;
  security?: readonly Record<string, unknown>[];
  parameters?: readonly { name: string; in: string; required: boolean; schema: JsonSchema; description?: string }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content: Record<string, { schema: JsonSchema }> }>;
}

/** The part of an OpenAPI document that the clients are made from. */
export interface OpenApi {
  paths: Record<string, Record<string, unknown>>;
  webhooks: Record<string, unknown>;
}

/** Names of objects that would otherwise have the name of the first place in which they occur. */
const NAMES: Record<string, string> = {
  'memories.get output': 'Memory',
  'memories.create receipt': 'MemoryReceipt',
  'memories.list output results': 'ListedMemory',
  'search.query output results': 'SearchHit',
  'memories.list input metadata': 'MetadataCondition',
  'memories.create output': 'StoredMemory',
  'keys.get output': 'ApiKey',
  'keys.create output': 'CreatedApiKey',
  'webhooks.get output': 'Webhook',
  'webhooks.create output': 'CreatedWebhook',
  'user.me output': 'Account',
  'plans.list output results': 'Plan',
};
/** Operations whose objects are named first, so that others share these names. */
const NAMED_FIRST = ['memories.get', 'memories.create', 'memories.list', 'search.query', 'keys.get', 'webhooks.get'];

/** Reads the calls that a program can make, and the events of webhooks, from an OpenAPI document. */
export function readModel(document: OpenApi): ApiModel {
  const objects = new ObjectTypes();
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([httpMethod, described]) => ({ path, httpMethod, described: described as Described })),
  );
  const callable = operations.filter(({ described }) => !described.security?.some((need) => 'session' in need));
  const rank = (id: string) => (NAMED_FIRST.indexOf(id) + NAMED_FIRST.length + 1) % (NAMED_FIRST.length + 1);
  const inOrder = callable.toSorted((a, b) => rank(a.described.operationId) - rank(b.described.operationId));
  const methods = new Map(inOrder.map((one) => [one.described.operationId, readMethod(objects, one)]));
  const events = Object.entries(document.webhooks).map(([type, hook]) => {
    const { requestBody } = (hook as { post: Described }).post;
    const body = requestBody?.content['application/json']?.schema ?? {};
    return { type, object: objects.add(body, `on.${type} event`, false) };
  });
  return {
    objects: [...objects.all],
    methods: callable.flatMap(({ described }) => methods.get(described.operationId) ?? []),
    events,
  };
}

function readMethod(
  objects: ObjectTypes,
  { path, httpMethod, described }: { path: string; httpMethod: string; described: Described },
): Method {
  const id = described.operationId;
  const parameters = (described.parameters ?? []).filter((parameter) => parameter.in !== 'header');
  const body = described.requestBody?.content['application/json']?.schema ?? {};
  const fields = [
    ...parameters.map(({ name, required, schema, description }) => ({
      name,
      required,
      type: objects.typeOf(schema, `${id} input ${name}`, true),
      description: description ?? (schema.description as string | undefined),
    })),
    ...objects.fieldsOf(body, `${id} input`, true),
  ];
  const success = Object.entries(described.responses).find(([status]) => status.startsWith('2'))?.[1].content ?? {};
  const [[mediaType, { schema: response }] = ['', { schema: {} }]] = Object.entries(success);
  const [full, receipt] = splitReceipt(response as JsonSchema);
  const output = objects.typeOf(full, `${id} output`, false);
  const results = full.properties?.results?.items as JsonSchema | undefined;
  const isPaged = results && full.properties?.next_cursor && fields.some(({ name }) => name === 'cursor');
  return {
    id,
    summary: described.summary,
    description: described.description,
    httpMethod: httpMethod.toUpperCase(),
    path,
    inPath: parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name),
    inQuery: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    fields: fields.toSorted((a, b) => Number(b.required) - Number(a.required)),
    output,
    receipt: receipt && objects.typeOf(receipt, `${id} receipt`, false),
    returns: mediaType === 'application/json' ? 'json' : mediaType.startsWith('text/') ? 'text' : 'file',
    takesIdempotencyKey: described.parameters?.some(({ name }) => name === 'Idempotency-Key') ?? false,
    pageOf: isPaged ? objects.typeOf(results, `${id} output results`, false) : undefined,
  };
}

/** Separates what is returned to a key that cannot read memories. */
function splitReceipt(schema: JsonSchema): [JsonSchema, JsonSchema | undefined] {
  const choices = schema.anyOf as JsonSchema[] | undefined;
  const last = choices?.at(-1);
  if (!choices?.[0] || !String(last?.description).includes('without the scope')) return [schema, undefined];
  return [choices.length === 2 ? choices[0] : { anyOf: choices.slice(0, -1) }, last];
}

/** The objects of the API. Those of the same structure and direction are one. */
class ObjectTypes {
  readonly all: ObjectType[] = [];
  readonly #byStructure = new Map<string, string>();

  /** Returns the type of a schema. `place` names an object in it. */
  typeOf(schema: JsonSchema, place: string, isInput: boolean): Type {
    if ('const' in schema) return { kind: 'literal', values: [schema.const as string] };
    if (schema.enum) return withNull(schema, { kind: 'literal', values: valuesOf(schema) });
    const choices = (schema.anyOf ?? []) as JsonSchema[];
    // Choices between formats of a text.
    if (choices.some((choice) => choice.type || choice.properties))
      return union(choices.map((choice, n) => this.typeOf(choice, n === 0 ? place : `${place} ${n + 1}`, isInput)));
    if (schema.type === 'null') return { kind: 'null' };
    const types = ([] as unknown[]).concat(schema.type ?? []).filter((type) => type !== 'null');
    return withNull(schema, this.#plain(types[0], schema, place, isInput));
  }

  #plain(type: unknown, schema: JsonSchema, place: string, isInput: boolean): Type {
    if (type === 'array') return { kind: 'array', of: this.typeOf((schema.items ?? {}) as JsonSchema, place, isInput) };
    if (type === 'object' && schema.properties) return { kind: 'object', name: this.add(schema, place, isInput) };
    if (type === 'object') {
      const values = schema.additionalProperties;
      const of = values && values !== true ? this.typeOf(values as JsonSchema, place, isInput) : undefined;
      return { kind: 'record', of: of ?? { kind: 'unknown' } };
    }
    if (type === 'string' || type === 'integer' || type === 'number' || type === 'boolean') return { kind: type };
    return choicesOfFormats(schema) ? { kind: 'string' } : { kind: 'unknown' };
  }

  /** Returns the name of an object. */
  add(schema: JsonSchema, place: string, isInput: boolean): string {
    const structure = JSON.stringify([isInput, schema], (key, value) => (key === 'description' ? undefined : value));
    const known = this.#byStructure.get(structure);
    if (known) return known;
    const name = NAMES[place] ?? pascal(place);
    this.#byStructure.set(structure, name);
    const fields = this.fieldsOf(schema, place, isInput);
    this.all.push({ name, fields, isInput });
    return name;
  }

  /** Returns the fields of an object. */
  fieldsOf(schema: JsonSchema, place: string, isInput: boolean): Field[] {
    const required = new Set((schema.required as string[] | undefined) ?? []);
    return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
      name,
      required: required.has(name),
      type: this.typeOf(property, `${place} ${name}`, isInput),
      description: property.description as string | undefined,
    }));
  }
}

const choicesOfFormats = (schema: JsonSchema) => Array.isArray(schema.anyOf) && schema.anyOf.every((one) => one.format);

const valuesOf = (schema: JsonSchema) => (schema.enum as (string | null)[]).filter((value) => value !== null);

function withNull(schema: JsonSchema, type: Type): Type {
  const isNullable = Array.isArray(schema.type) && schema.type.includes('null');
  return isNullable && type.kind !== 'unknown' ? union([type, { kind: 'null' }]) : type;
}

/** Joins types, each of which is named once. */
function union(types: readonly Type[]): Type {
  const unique = new Map(
    types.flatMap((type) => (type.kind === 'union' ? type.of : [type])).map((type) => [JSON.stringify(type), type]),
  );
  const [first, ...others] = unique.values();
  return first && others.length === 0 ? first : { kind: 'union', of: [...unique.values()] };
}

/** Converts words that are separated by anything to PascalCase. */
export function pascal(text: string): string {
  return text.replace(
    /[^A-Za-z0-9]*([A-Za-z0-9])([A-Za-z0-9]*)/g,
    (_, first: string, rest: string) => first.toUpperCase() + rest,
  );
}

/** Converts words that are separated by anything to camelCase. */
export function camel(text: string): string {
  const name = pascal(text);
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** Groups methods by the part of their id before the point. */
export function byResource(methods: readonly Method[]): Map<string, Method[]> {
  const groups = new Map<string, Method[]>();
  for (const method of methods) {
    const resource = method.id.split('.')[0] as string;
    groups.set(resource, [...(groups.get(resource) ?? []), method]);
  }
  return groups;
}
