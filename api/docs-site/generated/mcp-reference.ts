import type { JsonSchema } from '../../contracts/json-schema.ts';
import { fieldTable } from './fields.ts';
import { markdownTable } from './markdown-table.ts';

/** Tools, resources and prompts of the MCP server, as far as the documentation shows them. */
export interface McpReference {
  tools: readonly {
    name: string;
    title: string;
    description: string;
    /** JSON Schema of all arguments, also of those that are accepted and not listed. */
    inputSchema: JsonSchema;
    /** Arguments that `tools/list` leaves out. */
    unlisted: readonly string[];
    annotations: { readOnlyHint: boolean; destructiveHint: boolean };
  }[];
  resources: readonly { uri: string; description: string }[];
  prompts: readonly {
    name: string;
    description: string;
    arguments: readonly { name: string; description: string; required: boolean }[];
  }[];
}

type Tool = McpReference['tools'][number];

/** Writes a section for each tool with its arguments. */
export function toolReference({ tools }: McpReference): string {
  return tools.map(describeTool).join('\n\n');
}

function describeTool({ name, description, inputSchema, unlisted, annotations }: Tool): string {
  const effect = annotations.readOnlyHint ? 'Reads.' : annotations.destructiveHint ? 'Can delete.' : 'Writes.';
  const rare = unlisted.map((argument) => `\`${argument}\``).join(', ');
  return [
    `### ${name}`,
    `${effect} The model reads: “${description}”`,
    fieldTable(inputSchema, true).replace('| field |', '| argument |'),
    rare && `Accepted, and not in the list that a model reads: ${rare}.`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Writes the table of resources. */
export function resourceTable({ resources }: McpReference): string {
  return markdownTable(
    ['resource', 'content'],
    resources.map(({ uri, description }) => [`\`${uri}\``, description]),
  );
}

/** Writes the table of prompts. */
export function promptTable({ prompts }: McpReference): string {
  return markdownTable(
    ['prompt', 'what it does', 'argument'],
    prompts.map((prompt) => [
      `\`${prompt.name}\``,
      prompt.description,
      prompt.arguments.map(({ name, required }) => `\`${name}\`${required ? '' : ' (optional)'}`).join(', '),
    ]),
  );
}
