import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that start, kill or load many processes take longest, although they are short. */
const SLOW =
  /\/test\/(e2e|scripts|properties|db\/embedded)\/|\/(kill|migrations|semantic|budget|lexical|peers|cli|texts)\.test\.ts$/;

/** Runs the slowest files first, so that no worker is left with one of them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const slow = sorted.filter(({ moduleId }) => SLOW.test(moduleId));
    return [...slow, ...sorted.filter((file) => !slow.includes(file))];
  }
}
