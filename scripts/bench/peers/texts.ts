import { join } from 'node:path';
import { readSets } from '../../eval/load.ts';
import { randomNumbers } from '../../eval/score.ts';
import { root } from '../../program.ts';

/** A note to store. Every id occurs in no other text, so that a response names the notes that it holds. */
export interface PeerNote {
  id: string;
  title: string;
  text: string;
}

export interface PeerQuestion {
  query: string;
  gold: ReadonlySet<string>;
}

/** Notes that the questions are about. */
const ASKED_ABOUT = 100;

/**
 * Reads the first hundred notes of `test/eval/agents` and the questions that they answer, behind them the other notes of the set, and
 * behind these notes made of parts of sentences. They are the same in every run.
 */
export async function readTexts(): Promise<{ note(index: number): PeerNote; questions: PeerQuestion[] }> {
  const [set] = await readSets([join(root, 'test/eval/agents')]);
  if (!set) throw new Error('test/eval/agents is missing');
  const numbered = new Map(set.notes.map(({ id }, index) => [id, idOf(index)]));
  const asked = new Set(set.notes.slice(0, ASKED_ABOUT).map(({ id }) => id));
  const questions = set.questions.flatMap(({ id, query }) => {
    const gold = [...(set.gold.get(id) ?? [])];
    const isAnswered = gold.length > 0 && gold.every((note) => asked.has(note));
    return isAnswered ? [{ query, gold: new Set(gold.map((note) => numbered.get(note) as string)) }] : [];
  });
  const note = (index: number): PeerNote => {
    const own = set.notes[index];
    return own ? { id: idOf(index), title: own.title, text: own.text } : filler(index);
  };
  return { note, questions };
}

export function idOf(index: number): string {
  return `n${String(index).padStart(6, '0')}`;
}

const PARTS = {
  who: 'the parser,the login page,the importer,the billing job,the mobile app,the search index,the report generator,the image resizer,the address form,the chat widget,the nightly export,the translation table,the device list,the map view,the coupon check,the audit trail'.split(
    ',',
  ),
  what: 'drops the last row,waits twice as long as before,ignores the time zone,shows an empty page,repeats every warning,needs a larger heap,accepts names with accents,writes to the wrong folder,forgets its position,sorts by the wrong column,blocks the second thread,rejects long file names'.split(
    ',',
  ),
  when: 'after the upgrade of last spring,when two people edit at once,on machines with one core,while a backup runs,if the cache is cold,with more than a thousand entries,for accounts from before the merger,on the first day of a month,behind the proxy of the branch office,when the disk is nearly full'.split(
    ',',
  ),
  so: 'we restart it by hand,a ticket is open with the vendor,the team agreed to leave it,the next release replaces it,a script repairs the rows,we wrote a test for it,support answers with a template,it is measured every week,the old version stays installed,the owner looks at it on Fridays'.split(
    ',',
  ),
};

function filler(index: number): PeerNote {
  const random = randomNumbers(Math.imul(index + 1, 0x9e3779b1));
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] as string;
  const [who, what, when, so] = [pick(PARTS.who), pick(PARTS.what), pick(PARTS.when), pick(PARTS.so)];
  const text = `${who} ${what} ${when}, so ${so}. Seen ${2 + Math.floor(random() * 900)} times in workspace ${index}.`;
  return { id: idOf(index), title: `${who} ${what}`, text: text.charAt(0).toUpperCase() + text.slice(1) };
}
