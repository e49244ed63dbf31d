import { errorsOf, type Operation } from '../contracts/operation.ts';
import type { Problem } from '../errors.ts';

/** An operation that does not do what it declares: a bug in its contract or in its domain function. */
export class ContractViolation extends Error {
  constructor(operation: Operation, did: string, cause?: unknown) {
    super(`${operation.id} ${did}, which its contract does not declare. See api/contracts.`, { cause });
    this.name = 'ContractViolation';
  }
}

/** @throws ContractViolation for the status of a success that the operation does not declare */
export function assertDeclaredStatus(operation: Operation, status: number): void {
  if (!operation.http.statuses.includes(status)) throw new ContractViolation(operation, `returned status ${status}`);
}

/** Returns the error to report for one that was thrown: a ContractViolation where the operation does not declare its code. */
export function declaredError(operation: Operation, problem: Problem, thrown: unknown): unknown {
  if (errorsOf(operation).includes(problem.code)) return thrown;
  return new ContractViolation(operation, `threw ${problem.code}`, thrown);
}
