import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openApiDocument } from '../api/contracts/openapi/document.ts';
import { VERSION } from '../api/version.ts';
import { runProgram } from './cli-output.ts';
import { root } from './program.ts';
import { generateClients } from './sdk/generate.ts';

const HELP = `Usage: npm run sdk [-- --check]

Writes the generated part of the TypeScript and the Python client, mcp/clients/, from the contracts.
  --check   writes nothing, and exits with 1 when a file is out of date`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return console.log(HELP);
  const files = generateClients(openApiDocument('http://127.0.0.1:8787', VERSION));
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    const isCurrent = (await readFile(file, 'utf8').catch(() => undefined)) === text;
    if (values.check && !isCurrent) process.exitCode = 1;
    if (!values.check && !isCurrent) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    console.log(`${path}: ${isCurrent ? 'up to date' : values.check ? 'out of date' : 'written'}`);
  }
}

await runProgram(main);
