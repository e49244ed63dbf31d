import { createWriteStream, existsSync, renameSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Command } from 'commander';
import type { AccountExportOutput } from '../../clients/typescript/src/generated/types.ts';
import type { Api } from '../api.ts';
import { type Cli, CommandError } from '../cli.ts';
import { memoryApi } from '../memory-api.ts';
import { createProgress } from '../output/progress.ts';
import { bytes } from '../output/text.ts';

/** Options of `whitemagic export`. */
interface Values {
  force?: boolean;
}

const POLL_MS = 500;
const POLL_MAX_MS = 5_000;
const WAIT_MAX_MS = 3_600_000;

/** Adds `whitemagic export`. */
export function addExport(program: Command, cli: Cli): void {
  program
    .command('export')
    .summary('download everything that the account contains')
    .description(
      'Writes memories with all versions, keys without secrets, usage and purchases to a file: JSON lines, gzipped. "whitemagic import" reads it.',
    )
    .argument('[file]', 'file to write; "-": stdout (otherwise whitemagic-export-DATE.ndjson.gz)')
    .option('-f, --force', 'replace a file that exists')
    .action((file: string | undefined, values: Values) => exportTo(cli, file, values));
}

async function exportTo(cli: Cli, given: string | undefined, { force }: Values): Promise<void> {
  const path = given ?? `whitemagic-export-${new Date().toISOString().slice(0, 10)}.ndjson.gz`;
  if (path !== '-' && !force && existsSync(path)) throw new CommandError(`${path} exists. --force replaces it.`, 2);
  const api = memoryApi(cli);
  const progress = createProgress(cli);
  try {
    const { bytes: size, counts } = await prepare(api, cli);
    const response = await api.fetch({ path: '/account/export/file' });
    const content = counted(response, (done) => progress.update('downloaded', size ? done / size : 1));
    if (path === '-') await pipeline(content, cli.output, { end: false });
    else {
      // A broken download leaves no file that looks whole.
      await pipeline(content, createWriteStream(`${path}.part`, { mode: 0o600 }));
      renameSync(`${path}.part`, path);
    }
    progress.done();
    const memories = counts?.memory ?? 0;
    cli.note(`${memories} memories, ${bytes(size ?? 0)}${path === '-' ? '' : `: ${path}`}`);
  } finally {
    progress.done();
  }
}

/** Requests an export and waits until its file is ready. */
async function prepare(api: Api, cli: Cli): Promise<AccountExportOutput> {
  await api.call({ method: 'POST', path: '/account/export', body: {} });
  for (
    let waited = 0, pause = POLL_MS;
    waited < WAIT_MAX_MS;
    waited += pause, pause = Math.min(pause * 1.5, POLL_MAX_MS)
  ) {
    const state = await api.call<AccountExportOutput>({ path: '/account/export' });
    if (state.status === 'ready') return state;
    if (state.status === 'failed') throw new CommandError('The service could not write the export. Try again later.');
    // A memory in it was deleted for good meanwhile.
    if (state.status === 'erased') await api.call({ method: 'POST', path: '/account/export', body: {} });
    if (waited === 0) cli.note('The service writes the export …');
    await cli.delay(pause);
  }
  throw new CommandError(
    'The export is not ready after an hour. Repeat the command later: it continues with the same one.',
  );
}

async function* counted(response: Response, onBytes: (done: number) => void): AsyncGenerator<Uint8Array> {
  if (!response.body) throw new CommandError('The response is empty.');
  let done = 0;
  for await (const chunk of Readable.fromWeb(response.body as ReadableStream)) {
    done += (chunk as Uint8Array).length;
    onBytes(done);
    yield chunk as Uint8Array;
  }
}
