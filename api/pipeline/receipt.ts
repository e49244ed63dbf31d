import type { Caller } from '../context.ts';
import { isMemoryOperation, type Operation } from '../contracts/operation.ts';

/** Returns whether a caller gets an operation's receipt instead of its output: for a write of memories without the scope to read them. */
export function getsReceipt(operation: Operation, caller: Caller): boolean {
  return (
    operation.execution.kind === 'write' && isMemoryOperation(operation) && !caller.scopes.includes('memories:read')
  );
}

/** Picks the receipt of a result. @throws Error for an operation that declares none, so that nothing is returned rather than too much */
export function toReceipt({ id, receipt }: Operation, body: unknown): Record<string, unknown> {
  if (!receipt) throw new Error(`the operation ${id} declares no receipt`);
  return receipt.parse(body);
}
