import { portableSchema } from './arguments.ts';
import { PROMPT_DESCRIPTIONS } from './prompts.ts';
import { TOOLS } from './registry.ts';
import { RESOURCE_TEMPLATES, RESOURCES } from './resources.ts';

/** Tools, resources and prompts as the documentation shows them, with the arguments that `tools/list` leaves out. */
export const MCP_REFERENCE = {
  tools: TOOLS.map(({ name, title, description, inputSchema, unlisted, annotations }) => ({
    name,
    title,
    description,
    inputSchema: portableSchema(inputSchema),
    unlisted,
    annotations,
  })),
  resources: [...RESOURCES, ...RESOURCE_TEMPLATES.map((template) => ({ ...template, uri: template.uriTemplate }))],
  prompts: PROMPT_DESCRIPTIONS,
};
