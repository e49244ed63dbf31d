import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCredentials } from '../api/accounts/local-owner.ts';
import { countTokens } from '../api/tokens/count.ts';
import { HISTORIES, type History, progressOf } from './bench-agents/histories.ts';
import { type AgentMemory, notesFile, serverMemory, whiteMagic } from './bench-agents/memories.ts';
import { startServiceProcess } from './service-process.ts';

/*
 * Replays ten histories of coding agents through the MCP tools, then asks what later sessions need, in other words and within a token
 * budget. No model takes part: it measures whether the needed fact is in what the session gets, what that costs, and whether an outdated
 * fact is there too. The same through server-memory and a plain CLAUDE.md.
 */

const USAGE = `Usage: npm run bench:agents [-- options]

  --budget N      tokens that a question may cost (400)
  --folder PATH   where server-memory is installed (default: whitemagic-agents in the temporary folder)
  --missed        print the questions whose fact was not there`;

interface Score {
  needed: number;
  outdated: number;
  tokens: number;
  calls: number;
  missed: string[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      budget: { type: 'string', default: '400' },
      folder: { type: 'string', default: join(tmpdir(), 'whitemagic-agents') },
      missed: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(USAGE);
  const budget = Number(values.budget);
  const dataDir = mkdtempSync(join(tmpdir(), 'whitemagic-agents-data-'));
  const service = await startServiceProcess(dataDir, { LOG_LEVEL: 'warn' });
  try {
    const key = (await readCredentials(dataDir))?.api_key;
    if (!key) throw new Error('The service wrote no key.');
    const memories = [
      whiteMagic(service.url, key),
      await serverMemory(values.folder),
      notesFile(true),
      notesFile(false),
    ];
    const questions = HISTORIES.flatMap((history) => history.questions);
    const dated = questions.filter(({ outdated }) => outdated !== undefined).length;
    console.log(`${HISTORIES.length} histories, ${questions.length} questions, ${budget} tokens each\n`);
    console.log('| memory | needed fact there | outdated fact too | tokens a question | calls a question |');
    console.log('|---|---|---|---|---|');
    for (const memory of memories) {
      for (const history of HISTORIES) await replay(memory, history);
      const { needed, outdated, tokens, calls, missed } = await ask(memory, budget);
      await memory.close();
      const mean = (sum: number) => (sum / questions.length).toFixed(1);
      console.log(
        `| ${memory.name} | ${needed} of ${questions.length} | ${outdated} of ${dated} | ${Math.round(tokens / questions.length)} | ${mean(calls)} |`,
      );
      if (values.missed) for (const question of missed) console.error(`  ${question}`);
    }
  } finally {
    await service.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Stores a history as it happened: a note a day, a fact a week of six, and the corrections at the end. */
async function replay(memory: AgentMemory, history: History): Promise<void> {
  const { project, facts, corrections } = history;
  const notes = progressOf(history);
  const everyDays = Math.ceil(notes.length / facts.length);
  for (const [day, note] of notes.entries()) {
    await memory.store(project, note);
    const fact = day % everyDays === 0 ? facts[day / everyDays] : undefined;
    if (fact) await memory.store(project, fact);
    // A correction comes in the fifth week.
    if (day === 30)
      for (const [title, text, replaces] of corrections) await memory.store(project, [title, text], replaces);
  }
}

async function ask(memory: AgentMemory, budget: number): Promise<Score> {
  const score: Score = { needed: 0, outdated: 0, tokens: 0, calls: 0, missed: [] };
  for (const { project, questions } of HISTORIES) {
    for (const { ask: question, needed, outdated } of questions) {
      const { text, calls } = await memory.recall(project, question, budget);
      if (text.includes(needed)) score.needed++;
      else score.missed.push(`${project}: ${question}`);
      if (outdated !== undefined && text.includes(outdated)) score.outdated++;
      score.tokens += countTokens(text);
      score.calls += calls;
    }
  }
  return score;
}

await main();
