import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends the output with a last line `N passed, N failed, N skipped`, for people and scripts. With CI=true or
 * WHITEMAGIC_NO_SKIPS=1, a skipped test fails the run.
 */
export default class ClosingLineReporter implements Reporter {
  private closingLine: string | undefined;

  onInit() {
    // Not at the end of the tests: the global teardown may print after it.
    process.once('exit', () => {
      if (this.closingLine) console.log(this.closingLine);
    });
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = tests.filter((test) => ['skipped', 'pending'].includes(test.result().state));
    const count = (state: 'passed' | 'failed') => tests.filter((test) => test.result().state === state).length;
    this.closingLine = `${count('passed')} passed, ${count('failed')} failed, ${skipped.length} skipped`;

    if (skipped.length === 0 || !skipsAreForbidden()) return;
    process.exitCode = 1;
    const names = skipped.map((test) => `  ${test.module.relativeModuleId} > ${test.fullName}`);
    console.error(`\nSkipped tests, which fail this run:\n${names.join('\n')}\n`);
  }
}

function skipsAreForbidden() {
  return process.env.CI === 'true' || process.env.WHITEMAGIC_NO_SKIPS === '1';
}
