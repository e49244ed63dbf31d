// Runs the example of an agent framework with a model that calls two tools, then answers. Arguments: example, URL, key, folder.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [example, baseUrl, apiKey, folder] = process.argv.slice(2);
const { resolve } = createRequire(join(folder, 'package.json'));
const load = (name) => import(pathToFileURL(resolve(name)).href);

/** The calls of the model, one for each of its turns. */
const CALLS = [
  { name: 'remember', args: { content: `The ${example} agent deploys on Fridays.` } },
  { name: 'recall', args: { query: `${example} deploys` } },
];

async function vercelModel() {
  const { MockLanguageModelV4 } = await load('ai/test');
  let turn = 0;
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const call = CALLS[turn++];
      const said = call
        ? { type: 'tool-call', toolCallId: `call-${turn}`, toolName: call.name, input: JSON.stringify(call.args) }
        : { type: 'text', text: `Recalled: ${JSON.stringify(prompt.at(-1)).includes('deploys on Fridays')}` };
      const finishReason = call ? 'tool-calls' : 'stop';
      return { content: [said], finishReason: { unified: finishReason, raw: finishReason }, usage, warnings: [] };
    },
  });
}

async function langchainModel() {
  const { AIMessage } = await load('@langchain/core/messages');
  let turn = 0;
  const invoke = async (messages) => {
    const call = CALLS[turn++];
    if (call) return new AIMessage({ content: '', tool_calls: [{ ...call, id: `call-${turn}`, type: 'tool_call' }] });
    return new AIMessage(`Recalled: ${String(messages.at(-1).content).includes('deploys on Fridays')}`);
  };
  return { bindTools: () => ({ invoke }) };
}

const model = example === 'vercel-ai' ? await vercelModel() : await langchainModel();
const { answer } = await import(pathToFileURL(join(folder, `${example}.mjs`)).href);
console.log(await answer(model, 'When do we deploy?', { baseUrl, apiKey }));
