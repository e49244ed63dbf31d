import { expect, it } from 'vitest';
import { runScript } from '../support/run-script.ts';

it('the demo finds nine of ten answers among its own documents, and shows what was metered', async () => {
  const { code, stdout, stderr } = await runScript('scripts/demo.ts');
  expect(code, stderr).toBe(0);
  const right = Number(/(\d+) of 10 questions/.exec(stdout)?.[1]);
  expect(right).toBeGreaterThanOrEqual(9);
  const tokens = Number(/in (\d+) of 400 tokens/.exec(stdout)?.[1]);
  expect(tokens).toBeLessThanOrEqual(400);
  expect(stdout).toMatch(/'mcp_stdio'.*'create_memory'/);
  expect(stdout).toMatch(/'mcp_stdio'.*'search_memories' +│ 10 /);
}, 120_000);
