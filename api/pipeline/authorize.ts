import type { Caller } from '../context.ts';
import { isMemoryOperation, type Operation } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';

/**
 * May this caller do this, over this transport?
 * @throws Problem `account_closing`, `session_required`, `scope_required`, `plan_required`, `account_read_only`
 */
export function authorize(operation: Operation, caller: Caller): void {
  if (caller.status === 'closing' && !operation.access.allowedWhileClosing) throw new Problem('account_closing');
  if (operation.access.sessionOnly && caller.sessionId === null) throw new Problem('session_required');
  if (!caller.scopes.includes(operation.access.scope)) {
    throw new Problem('scope_required', {
      detail: `This needs the scope ${operation.access.scope}; the key has ${caller.scopes.join(', ') || 'none'}.`,
      extra: { required_scope: operation.access.scope },
    });
  }
  if (isMemoryOperation(operation) && caller.transport === 'rest' && !caller.limits.rest) {
    throw new Problem('plan_required', {
      detail: `The ${caller.plan} plan reaches memories over MCP; REST comes with the starter plan.`,
      extra: { plan: caller.plan, required_plan: 'starter' },
    });
  }
  if (operation.execution.kind === 'write' && isMemoryOperation(operation) && caller.status === 'read_only') {
    throw new Problem('account_read_only');
  }
}
