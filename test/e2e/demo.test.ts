import { expect, it } from 'vitest';
import { runScript } from '../support/run-script.ts';

it('npm run demo › finds the section for nine of ten questions, and prints the usage', async () => {
  const { code, stdout, stderr } = await runScript('scripts/demo.ts');
  expect(code, stderr).toBe(0);
  const found = Number(/(\d+) of 10 questions/.exec(stdout)?.[1]);
  expect(found).toBeGreaterThanOrEqual(9);
  expect(stdout).toContain('Encoded all of them.');
  const tokens = Number(/in (\d+) of 400 tokens/.exec(stdout)?.[1]);
  expect(tokens).toBeLessThanOrEqual(400);
  expect(stdout).toMatch(/'mcp_stdio'.*'create_memory'/);
  expect(stdout).toMatch(/'mcp_stdio'.*'search_memories' +│ 10 /);
}, 240_000);
