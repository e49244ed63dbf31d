import { setImmediate } from 'node:timers/promises';
import type { Site } from './site.ts';

const SUMMARY =
  'A hosted memory for AI agents. An agent stores what it learns, finds it again in the next session, and gets a context package that fits its token budget, over MCP and REST.';

/** Writes `/llms.txt`: the pages with one sentence each, as links to their Markdown (llmstxt.org). */
export function llmsIndex({ sections, pages }: Site, publicUrl: string): string {
  const parts = sections.map(({ title, pages: links }) => {
    const lines = links.map(({ path }) => {
      const page = pages.find((one) => one.path === path);
      return `- [${page?.title}](${publicUrl}/docs/${page?.name}.md): ${page?.description}`;
    });
    return `## ${title}\n\n${lines.join('\n')}`;
  });
  const optional = `## Optional\n\n- [OpenAPI document](${publicUrl}/openapi.json): every operation, with its schemas and an example.\n- [All pages in one text](${publicUrl}/llms-full.txt)`;
  return `# WhiteMagic\n\n> ${SUMMARY}\n\nThe MCP server is at ${publicUrl}/mcp, the REST API at ${publicUrl}/api/v1. Both take an API key as \`Authorization: Bearer YOUR_API_KEY\`.\n\n${parts.join('\n\n')}\n\n${optional}\n`;
}

/** Writes `/llms-full.txt`: all pages in one text. Works page by page, so that other requests are served meanwhile. */
export async function llmsFull({ pages }: Site, publicUrl: string): Promise<string> {
  const texts: string[] = [];
  for (const { path, markdown } of pages) {
    texts.push(`<!-- ${publicUrl}${path} -->\n\n${markdown().trim()}\n`);
    await setImmediate();
  }
  return texts.join('\n');
}
