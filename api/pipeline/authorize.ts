import type { Caller } from '../context.ts';
import { isMemoryOperation, type Operation } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { listProjects } from '../listing/bound-projects.ts';

/**
 * May this caller do this, over this transport?
 * @throws Problem `not_found` for an operator's operation that the caller may not call; `account_closing`, `session_required`,
 *   `scope_required`, `project_not_allowed`, `plan_required`, `account_read_only`
 */
export function authorize(operation: Operation, caller: Caller): void {
  const needsOperator = operation.access.operator || operation.execution.role === 'operator';
  if (needsOperator && !isOperator(caller))
    throw new Problem('not_found', { detail: 'There is nothing at this path.' });
  if (caller.status === 'closing' && !operation.access.allowedWhileClosing) throw new Problem('account_closing');
  if (operation.access.sessionOnly && caller.sessionId === null) throw new Problem('session_required');
  if (!caller.scopes.includes(operation.access.scope)) {
    throw new Problem('scope_required', {
      detail: `This needs the scope ${operation.access.scope}; the key has ${caller.scopes.join(', ') || 'none'}.`,
      extra: { required_scope: operation.access.scope },
    });
  }
  if (operation.access.wholeAccount && caller.projects) {
    throw new Problem('project_not_allowed', {
      detail: `This concerns the whole account, and the key is bound to projects: ${listProjects(caller.projects)}. Use a key that is not.`,
    });
  }
  if (isMemoryOperation(operation) && caller.transport === 'rest' && !caller.limits.rest) {
    throw new Problem('plan_required', {
      detail: `The ${caller.plan} plan reaches memories over MCP; REST comes with the starter plan.`,
      extra: { plan: caller.plan, required_plan: 'starter' },
    });
  }
  if (operation.access.feature && !caller.limits[operation.access.feature]) {
    throw new Problem('plan_required', {
      detail: `Outgoing webhooks come with the pro plan; this account is on the ${caller.plan} plan.`,
      extra: { plan: caller.plan, required_plan: 'pro' },
    });
  }
  if (operation.execution.kind === 'write' && isMemoryOperation(operation) && caller.status === 'read_only') {
    throw new Problem('account_read_only');
  }
}

/** Returns whether the caller is the session of an operator's account. No API key is one, whatever its account. */
function isOperator(caller: Caller): boolean {
  return caller.isOperator && caller.sessionId !== null && caller.keyId === null && caller.transport === 'dashboard';
}
