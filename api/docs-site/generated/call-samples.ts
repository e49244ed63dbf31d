import type { Operation, PublicOperation } from '../../contracts/operation.ts';
import { pathParameters, takesBody } from '../../contracts/operation.ts';
import { KEY_PLACEHOLDER } from '../highlight.ts';

interface Request {
  method: string;
  url: string;
  body: object | undefined;
  /** Whether the call takes a key. */
  isPublic: boolean;
  /** Whether the response is a file or a text, not JSON. */
  file: string | undefined;
}

/** Writes the example of an operation as code blocks: curl, TypeScript and Python. They are tabs on the site. */
export function callSamples(operation: Operation | PublicOperation, baseUrl: string): string {
  const request = requestOf(operation, baseUrl);
  const block = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\``;
  return [block('sh', curl(request)), block('ts', typescript(request)), block('python', python(request))].join('\n\n');
}

function requestOf(operation: Operation | PublicOperation, baseUrl: string): Request {
  const { method, path } = operation.http;
  const input = { ...(operation.example.input as Record<string, unknown>) };
  let filled: string = path;
  for (const name of pathParameters(path)) {
    filled = filled.replace(`{${name}}`, String(input[name]));
    delete input[name];
  }
  const query = takesBody(operation) ? '' : queryOf(input);
  const mediaType = 'mediaType' in operation.http ? operation.http.mediaType : undefined;
  return {
    method,
    url: `${baseUrl}/api/v1${filled}${query}`,
    body: takesBody(operation) ? input : undefined,
    isPublic: !('access' in operation),
    file: mediaType === 'application/gzip' ? 'export.ndjson.gz' : mediaType === 'text/csv' ? 'usage.csv' : undefined,
  };
}

function queryOf(input: object): string {
  const query = new URLSearchParams(
    Object.entries(input).map(([name, value]) => [name, String(value)] as [string, string]),
  ).toString();
  return query && `?${query}`;
}

function curl({ method, url, body, isPublic, file }: Request): string {
  const isPlain = method === 'GET' || (method === 'POST' && body !== undefined);
  return [
    `curl ${isPlain ? '' : `-X ${method} `}${/[?&]/.test(url) ? `"${url}"` : url}`,
    ...(isPublic ? [] : [`-H "Authorization: Bearer ${KEY_PLACEHOLDER}"`]),
    ...(body ? ['-H "Content-Type: application/json"', `-d '${pretty(body).replaceAll("'", "'\\''")}'`] : []),
    ...(file ? [`-o ${file}`] : []),
  ].join(' \\\n  ');
}

function typescript({ method, url, body, isPublic, file }: Request): string {
  const headers = [
    ...(isPublic ? [] : [`Authorization: 'Bearer ${KEY_PLACEHOLDER}'`]),
    ...(body ? [`'Content-Type': 'application/json'`] : []),
  ];
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length > 0 ? [`  headers: { ${headers.join(', ')} },`] : []),
    ...(body ? [`  body: JSON.stringify(${indent(scriptLiteral(body), 2)}),`] : []),
  ];
  const call = options.length > 0 ? `fetch('${url}', {\n${options.join('\n')}\n})` : `fetch('${url}')`;
  const read = file
    ? `await writeFile('${file}', new Uint8Array(await response.arrayBuffer()));`
    : 'console.log(await response.json());';
  const head = file ? `import { writeFile } from 'node:fs/promises';\n\n` : '';
  return `${head}const response = await ${call};\n${read}`;
}

function python({ method, url, body, isPublic, file }: Request): string {
  const headers = [
    ...(isPublic ? [] : [`"Authorization": "Bearer ${KEY_PLACEHOLDER}"`]),
    ...(body ? ['"Content-Type": "application/json"'] : []),
  ];
  const parts = [
    `    "${url}",`,
    ...(method === 'GET' ? [] : [`    method="${method}",`]),
    ...(headers.length > 0 ? [`    headers={${headers.join(', ')}},`] : []),
    ...(body ? [`    data=json.dumps(${indent(pythonLiteral(body), 4)}).encode(),`] : []),
  ];
  const read = file ? `open("${file}", "wb").write(response.read())` : 'print(json.load(response))';
  const imports = body || !file ? 'import json\nimport urllib.request' : 'import urllib.request';
  return `${imports}\n\nrequest = urllib.request.Request(\n${parts.join('\n')}\n)\nwith urllib.request.urlopen(request) as response:\n    ${read}`;
}

const LINE = 76;

/** Writes JSON with each object and list that fits on one line. */
export function pretty(value: unknown, indentation = ''): string {
  const short = oneLine(value);
  if (typeof value !== 'object' || value === null || indentation.length + short.length <= LINE) return short;
  const inner = `${indentation}  `;
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const parts = Array.isArray(value)
    ? value.map((item) => pretty(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pretty(item, inner)}`);
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indentation}${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${oneLine(item)}`);
  return fields.length > 0 ? `{ ${fields.join(', ')} }` : '{}';
}

function scriptLiteral(value: object): string {
  // Keys without quotes and texts in single quotes, as the samples are formatted.
  return pretty(value)
    .replace(/"(\w+)":/g, '$1:')
    .replace(
      /"((?:[^"\\]|\\.)*)"/g,
      (_match, text: string) => `'${text.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`,
    );
}

function pythonLiteral(value: object): string {
  return pretty(value).replace(/: (true|false|null)\b/g, (_match, word: string) => `: ${PYTHON_WORDS[word]}`);
}

const PYTHON_WORDS: Record<string, string> = { true: 'True', false: 'False', null: 'None' };

function indent(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
