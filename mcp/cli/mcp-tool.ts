import { post } from './bridge/post.ts';
import { resolveTarget } from './bridge/target.ts';
import { CommandError, UNREACHABLE } from './cli.ts';
import { proxiedFetch } from './proxied-fetch.ts';
import type { FoundSettings } from './settings.ts';

/** Result of a tool, as text for a model. */
interface ToolResult {
  content?: { text?: string }[];
  isError?: boolean;
}

/**
 * Calls an MCP tool and returns its text, in which stored text is delimited. It works on every plan.
 * @param timeoutMs maximum duration
 * @throws CommandError with the service's words, Failure without a response
 */
export async function callTool(
  settings: FoundSettings,
  name: string,
  args: Record<string, unknown>,
  { version, timeoutMs }: { version: string; timeoutMs: number },
): Promise<string> {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
  let reply = '';
  const signal = AbortSignal.timeout(timeoutMs);
  await post({
    message,
    body: JSON.stringify(message),
    target: resolveTarget(settings),
    bridge: { version },
    fetch: proxiedFetch,
    signal,
    onAlive: () => undefined,
    deliver: (line) => {
      reply = line;
    },
  }).catch((error: unknown) => {
    if (signal.aborted)
      throw new CommandError(`The service did not respond within ${timeoutMs / 1_000} s.`, UNREACHABLE);
    throw error;
  });
  const { result, error } = JSON.parse(reply) as { result?: ToolResult; error?: { message?: string } };
  const text = result?.content?.map((part) => part.text ?? '').join('\n') ?? error?.message ?? '';
  if (!result || result.isError) throw new CommandError(text || 'The service returned an error without a message.');
  return text;
}
