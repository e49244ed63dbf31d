import { type Definition, type Exchange, type Params, RPC, RpcError } from '../../mcp/definition.ts';

/** The smallest PNG and WAV. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=';

const text = (content: string) => ({ type: 'text', text: content });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const embedded = (uri: string, mimeType: string, content: string) => ({
  type: 'resource',
  resource: { uri, mimeType, text: content },
});

const object = (properties: object, required: string[] = []) => ({ type: 'object', properties, required });
const elicit = (message: string, name: string) => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: object({ [name]: { type: 'string' } }, [name]) },
});
const sample = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text('What is the capital of France?') }], maxTokens: 100 },
};

/** Returns the answer of a name, or the result that asks for it. */
function answered(exchange: Exchange, name: string, request: object, finish: (answer: Params) => object): object {
  const answer = exchange.inputResponses?.[name];
  if (typeof answer !== 'object' || answer === null) {
    return { resultType: 'input_required', inputRequests: { [name]: request } };
  }
  return finish(answer as Params);
}

const contentOf = (answer: Params) => (answer.content ?? {}) as Params;
const says = (content: string) => ({ content: [text(content)] });

/** Keywords of JSON Schema 2020-12 that a listing must preserve. */
const SCHEMA_2020_12 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

interface FixtureTool {
  inputSchema?: object;
  call: (exchange: Exchange) => object;
}

const TOOLS: Readonly<Record<string, FixtureTool>> = {
  test_simple_text: { call: () => says('This is a simple text response for testing.') },
  test_image_content: { call: () => ({ content: [image] }) },
  test_audio_content: { call: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }) },
  test_embedded_resource: {
    call: () => ({
      content: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
    }),
  },
  test_multiple_content_types: {
    call: () => ({
      content: [
        text('Multiple content types test:'),
        image,
        embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
      ],
    }),
  },
  test_error_handling: {
    call: () => ({ isError: true, ...says('This tool intentionally returns an error for testing') }),
  },
  json_schema_2020_12_tool: { inputSchema: SCHEMA_2020_12, call: () => says('ok') },
  test_input_required_result_elicitation: {
    call: (exchange) =>
      answered(exchange, 'user_name', elicit('What is your name?', 'name'), (answer) =>
        says(`Hello, ${contentOf(answer).name}!`),
      ),
  },
  // The SDK rejects what it asks of a client that has not declared the capability.
  test_missing_capability: { call: (exchange) => answered(exchange, 'capital_question', sample, () => says('ok')) },
  test_input_required_result_sampling: {
    call: (exchange) =>
      answered(exchange, 'capital_question', sample, (answer) => says(JSON.stringify(answer.content))),
  },
  test_input_required_result_list_roots: {
    call: (exchange) =>
      answered(exchange, 'client_roots', { method: 'roots/list', params: {} }, (answer) =>
        says(JSON.stringify(answer.roots)),
      ),
  },
  test_input_required_result_capabilities: {
    call: (exchange) =>
      exchange.clientCapabilities.sampling
        ? answered(exchange, 'capital_question', sample, (answer) => says(JSON.stringify(answer.content)))
        : answered(exchange, 'user_name', elicit('What is your name?', 'name'), () => says('Hello!')),
  },
};

const PROMPTS: Readonly<Record<string, { arguments?: string[]; get: (given: Params, exchange: Exchange) => object }>> =
  {
    test_simple_prompt: { get: () => asked(text('This is a simple prompt for testing.')) },
    test_prompt_with_arguments: {
      arguments: ['arg1', 'arg2'],
      get: ({ arg1, arg2 }) => asked(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
    },
    test_prompt_with_embedded_resource: {
      arguments: ['resourceUri'],
      get: ({ resourceUri }) =>
        asked(
          embedded(String(resourceUri), 'text/plain', 'Embedded resource content for testing.'),
          text('Please process the embedded resource above.'),
        ),
    },
    test_prompt_with_image: { get: () => asked(image, text('Please analyze the image above.')) },
    test_input_required_result_prompt: {
      get: (_given, exchange) =>
        answered(exchange, 'user_context', elicit('What context should the prompt use?', 'context'), (answer) =>
          asked(text(`Context: ${contentOf(answer).context}`)),
        ),
    },
  };

function asked(...contents: object[]) {
  return { messages: contents.map((content) => ({ role: 'user', content })) };
}

const RESOURCES: Readonly<Record<string, { mimeType: string; text?: string; blob?: string }>> = {
  'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  'test://static-binary': { mimeType: 'image/png', blob: PNG },
};

function readResource(uri: string): object {
  const found = RESOURCES[uri];
  if (found) return { contents: [{ uri, ...found }] };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new RpcError(RPC.resourceNotFound, 'Resource not found', { uri });
  const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  return { contents: [{ uri, mimeType: 'application/json', text: data }] };
}

function known<Entry>(entries: Readonly<Record<string, Entry>>, name: unknown): Entry {
  const entry = entries[String(name)];
  if (!entry) throw new RpcError(RPC.invalidParams, `Unknown: ${name}`);
  return entry;
}

const HINT = { ttlMs: 60_000, cacheScope: 'public' } as const;

/** The server that the scenarios of the conformance suites ask for, as far as it can be had without sessions and streams. */
export function defineFixtures(): Definition {
  return {
    info: { name: 'whitemagic-fixtures', version: '1.0.0' },
    capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
    cacheHints: {
      'server/discover': HINT,
      'tools/list': HINT,
      'resources/list': HINT,
      'resources/templates/list': HINT,
      'resources/read': HINT,
      'prompts/list': HINT,
    },
    handlers: {
      'tools/list': () => ({
        tools: Object.entries(TOOLS).map(([name, { inputSchema = object({}) }]) => ({
          name,
          description: `Fixture ${name}`,
          inputSchema,
        })),
      }),
      'tools/call': ({ name }, exchange) => known(TOOLS, name).call(exchange),
      'resources/list': () => ({
        resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri, mimeType })),
      }),
      'resources/templates/list': () => ({
        resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }],
      }),
      'resources/read': ({ uri }) => readResource(String(uri)),
      'prompts/list': () => ({
        prompts: Object.entries(PROMPTS).map(([name, prompt]) => ({
          name,
          description: `Fixture ${name}`,
          arguments: (prompt.arguments ?? []).map((argument) => ({ name: argument, required: true })),
        })),
      }),
      'prompts/get': ({ name, arguments: given }, exchange) =>
        known(PROMPTS, name).get((given ?? {}) as Params, exchange),
      'completion/complete': () => ({ completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } }),
    },
  };
}
