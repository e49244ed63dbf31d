import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { findEmbedded } from '../db/embedded/start.ts';
import { addChaosUser, withDatabase } from './chaos/user.ts';
import { runProgram } from './cli-output.ts';
import { installPythonTool } from './python-tool.ts';
import { startServiceProcess } from './service-process.ts';

const HELP = `Usage: npm run fuzz [-- options]

Starts the service and calls every operation of its OpenAPI document with schemathesis: no 5xx, no undocumented status or
media type, no response that violates its schema, no accepted call that violates the schema of its input.

  --examples N    calls of each operation in each phase (30)
  --operation ID  one operation only, such as search.query

Exits with 1 when a check fails, and prints the call as a curl command. The first run installs schemathesis with pip.`;

const settings = z.object({
  examples: z.coerce.number().int().min(1).max(10_000).default(30),
  operation: z.string().optional(),
});

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];
/** These end the account, or what gives access to it: the calls after them would test nothing. */
const LAST = ['account.delete', 'keys.revoke', 'keys.rotate', 'keys.update'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      examples: { type: 'string' },
      operation: { type: 'string' },
    },
  });
  if (values.help) return console.log(HELP);
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
  const { examples, operation } = parsed.data;
  const schemathesis = await installPythonTool('schemathesis', 'test/contract/requirements.txt');
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-fuzz-'));
  const service = await startServiceProcess(dataDir, { EMBEDDER: 'none', JOBS: 'off', LOG_LEVEL: 'error' });
  try {
    const databaseUrl = await findEmbedded(dataDir);
    if (!databaseUrl) throw new Error('the database does not respond');
    const run = async (selection: string[]) => {
      const { apiKey } = await withDatabase(databaseUrl, (database) => addChaosUser(database));
      const args = ['run', `${service.url}/openapi.json`, '--header', `Authorization: Bearer ${apiKey}`];
      const limits = [
        '--max-examples',
        `${examples}`,
        '--phases',
        'examples,coverage,fuzzing',
        '--continue-on-failure',
      ];
      const command = [...args, '--checks', CHECKS.join(), ...limits, ...selection];
      const child = spawn(schemathesis, command, { cwd: dataDir, stdio: ['ignore', 'inherit', 'inherit'] });
      const [code] = await once(child, 'exit');
      return code === 0;
    };
    const one = (id: string) => ['--include-operation-id', id];
    const passed = operation
      ? [await run(one(operation))]
      : [await run(LAST.flatMap((id) => ['--exclude-operation-id', id]))];
    // Each with an account of its own.
    if (!operation) for (const id of LAST) passed.push(await run(one(id)));
    if (passed.includes(false)) throw new Error('✗ a check failed');
    console.log('✓ every check passed');
  } finally {
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

await runProgram(main);
