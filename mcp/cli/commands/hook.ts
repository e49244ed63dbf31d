import { Argument, type Command, Option } from 'commander';
import { HOOK_EVENTS, type HookEvent } from '../../client-setup/hooks.ts';
import { type Cli, settingsOf } from '../cli.ts';
import { type HookInput, isTimeToAsk, readHookInput } from '../hook-session.ts';
import { callTool } from '../mcp-tool.ts';
import { findProject } from '../project.ts';

const CLIENTS = ['claude-code', 'codex', 'gemini', 'cursor'] as const;
type HookClient = (typeof CLIENTS)[number];

/** Options of `whitemagic hook`. */
interface Values {
  client: HookClient;
  maxTokens: string;
}

/** The client waits for the hook, and for no longer than ten seconds. */
const TIMEOUT_MS = 5_000;
const CONTEXT_TOKENS = 1_000;
const HEADING = 'To remember';

const KEEP =
  'what a later session needs and neither the code nor the memory has: decisions with their reason, conventions, fixes that worked, preferences of the user. Never secrets.';
const ON_COMPACT = `Add to the summary a section "${HEADING}" with ${KEEP}`;
const AFTER_COMPACT = `If the summary has a section "${HEADING}", store each item with the tool create_memory before you go on.`;
const ON_STOP = `Before you stop: store with the tool create_memory, one fact each, ${KEEP} If there is nothing, stop without a word about this.`;

/** Adds `whitemagic hook`, which clients run. */
export function addHook(program: Command, cli: Cli): void {
  program
    .command('hook', { hidden: true })
    .description(
      'Runs for a client that has hooks. WHITEMAGIC_HOOKS=off turns it off; so does whitemagic setup --hooks --remove.',
    )
    .addArgument(new Argument('<event>').choices(HOOK_EVENTS))
    .addOption(new Option('--client <id>').choices(CLIENTS).default('claude-code'))
    .option('--max-tokens <n>', 'token budget of the context', String(CONTEXT_TOKENS))
    .action(async (event: HookEvent, values: Values) => {
      if (cli.env.WHITEMAGIC_HOOKS === 'off') return;
      // A memory that cannot be reached must not stop a session.
      const text = await runHook(cli, event, values).catch((error: unknown) =>
        cli.note(`whitemagic: ${error instanceof Error ? error.message : error}`),
      );
      if (text) cli.print(text);
    });
}

async function runHook(cli: Cli, event: HookEvent, { client, maxTokens }: Values): Promise<string | undefined> {
  const input = await readHookInput(cli);
  if (event === 'pre-compact') return ON_COMPACT;
  if (event === 'stop') return isTimeToAsk(cli, input) ? stopOutput(client) : undefined;
  const context = await contextFor(cli, input, Number(maxTokens) || CONTEXT_TOKENS);
  const parts = [context, ...(input.source === 'compact' ? [AFTER_COMPACT] : [])].filter((part) => part !== undefined);
  return parts.length > 0 ? startOutput(client, parts.join('\n\n')) : undefined;
}

/** Returns the context of the session's project; undefined where nothing is stored. */
async function contextFor(cli: Cli, { cwd }: HookInput, maxTokens: number): Promise<string | undefined> {
  const project = findProject(cli, cli.cwd, cwd).name;
  const settings = { ...settingsOf(cli), project };
  const options = { version: cli.version, timeoutMs: TIMEOUT_MS };
  const text = await callTool(settings, 'get_context', { max_tokens: maxTokens }, options);
  if (!text.includes('<stored-memories')) return undefined;
  const of = project === undefined ? '' : ` of ${JSON.stringify(project)} and of no project`;
  return `Memories of earlier sessions${of}, by WhiteMagic. search_memories finds more.\n${text}`;
}

function startOutput(client: HookClient, context: string): string {
  if (client === 'cursor') return JSON.stringify({ additional_context: context });
  return JSON.stringify({ hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: context } });
}

function stopOutput(client: HookClient): string {
  if (client === 'cursor') return JSON.stringify({ followup_message: ON_STOP });
  return JSON.stringify({ decision: client === 'gemini' ? 'deny' : 'block', reason: ON_STOP });
}
