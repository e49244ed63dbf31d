import { clientSetups } from '../../../mcp/client-setup/texts.ts';
import { VERSION } from '../../version.ts';
import { KEY_PLACEHOLDER } from '../highlight.ts';

/** Writes a section for each MCP client with the text that connects it. */
export function clientSections(publicUrl: string): string {
  return clientSetups({ url: publicUrl, apiKey: KEY_PLACEHOLDER, version: VERSION })
    .filter(({ id }) => id !== 'curl')
    .map(({ client, how, text, next, isTried }) =>
      [
        `### ${client}`,
        `${withCode(how.charAt(0).toUpperCase() + how.slice(1))}:`,
        `\`\`\`${languageOf(text)}\n${text}\n\`\`\``,
        next && withCode(next),
        isTried
          ? undefined
          : "This follows the client's documentation; it runs on a desktop only, and was not tried by us.",
      ]
        .filter((part) => part !== undefined)
        .join('\n\n'),
    )
    .join('\n\n');
}

/** Marks names of files and settings as code. */
function withCode(text: string): string {
  return text.replace(
    /~\/[\w./-]*\w|"mcp__whitemagic"|permissions\.allow|\b(?:settings|mcp)\.json/g,
    (name) => `\`${name}\``,
  );
}

function languageOf(text: string): string {
  if (text.startsWith('{')) return 'json';
  return text.startsWith('[') ? 'toml' : 'sh';
}
