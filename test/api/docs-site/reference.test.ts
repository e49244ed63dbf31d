import { describe, expect, it } from 'vitest';
import { OPERATIONS, PUBLIC_OPERATIONS } from '../../../api/contracts/index.ts';
import { buildSite } from '../../../api/docs-site/site.ts';
import { PROBLEMS } from '../../../api/errors.ts';
import { MCP_REFERENCE } from '../../../mcp/reference.ts';
import { TOOLS } from '../../../mcp/registry.ts';

const site = buildSite('https://memory.example.com', MCP_REFERENCE);
const pageOf = (name: string) => site.pages.find((page) => page.name === name);

describe('the reference', () => {
  it('has a section for every operation, with its path, and a sample per language', () => {
    const all = [...OPERATIONS, ...PUBLIC_OPERATIONS];
    for (const operation of all) {
      const { tag, http, summary } = operation;
      const isForPeople = 'access' in operation && 'sessionOnly' in operation.access;
      const page = pageOf(`api/${tag}`)?.markdown() ?? '';
      const start = page.indexOf(`## ${summary}\n`);
      expect(start, summary).toBeGreaterThan(0);
      const section = page.slice(start, page.indexOf('\n## ', start) === -1 ? undefined : page.indexOf('\n## ', start));
      expect(section).toContain(`\`${http.method} /api/v1${http.path}\``);
      for (const language of ['sh', 'ts', 'python']) {
        expect(section.includes(`\`\`\`${language}\n`), `${summary} in ${language}`).toBe(!isForPeople);
      }
      expect(pageOf('api')?.markdown()).toContain(`| \`${http.method} ${http.path}\` | ${summary}. |`);
    }
    const sections = site.pages.flatMap(({ name, rendered }) =>
      name.startsWith('api/') ? rendered().headings.filter(({ depth }) => depth === 2) : [],
    );
    expect(sections).toHaveLength(all.length);
  });

  it('explains every error code in a row with the code as its anchor', () => {
    const body = pageOf('errors')?.rendered().body.html ?? '';
    expect([...body.matchAll(/<tr id="(\w+)">/g)].map((match) => match[1])).toEqual(
      expect.arrayContaining(Object.keys(PROBLEMS)),
    );
  });

  it('lists every tool with all of its arguments, those that tools/list leaves out too', () => {
    const page = pageOf('mcp-tools')?.markdown() ?? '';
    for (const { name, inputSchema, unlisted } of TOOLS) {
      const section = page.split(`### ${name}\n`)[1]?.split('\n##')[0] ?? '';
      for (const argument of Object.keys(inputSchema.properties ?? {}))
        expect(section).toContain(`| \`${argument}\` |`);
      for (const argument of unlisted) expect(section.split('Accepted, and not')[1]).toContain(`\`${argument}\``);
    }
  });
});
