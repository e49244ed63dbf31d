// Gives a LangChain model a memory: two tools, called until the model answers.
// npm install @langchain/core zod @whitemagic/client
import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { WhiteMagic } from '@whitemagic/client';
import { z } from 'zod';

export async function answer(model, prompt, { baseUrl, apiKey }) {
  const whitemagic = new WhiteMagic({ baseUrl, apiKey, project: 'shop' });
  const remember = tool(async ({ content }) => `Stored as ${(await whitemagic.memories.create({ content })).id}.`, {
    name: 'remember',
    description: 'Stores a fact for later sessions.',
    schema: z.object({ content: z.string() }),
  });
  const recall = tool(
    async ({ query }) => {
      const { results } = await whitemagic.search.query({ query, limit: 5 });
      return results.map(({ title, snippet }) => `${title}: ${snippet}`).join('\n') || 'Nothing is stored about that.';
    },
    {
      name: 'recall',
      description: 'Searches what was stored in earlier sessions.',
      schema: z.object({ query: z.string() }),
    },
  );
  const tools = { remember, recall };
  const bound = model.bindTools(Object.values(tools));
  const messages = [new HumanMessage(prompt)];
  for (let step = 0; step < 5; step++) {
    const reply = await bound.invoke(messages);
    if (!reply.tool_calls?.length) return reply.content;
    messages.push(reply);
    for (const call of reply.tool_calls) messages.push(await tools[call.name].invoke(call));
  }
  return 'No answer within five steps.';
}
