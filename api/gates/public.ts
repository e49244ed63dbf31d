import type { z } from 'zod';
import { listPlans } from '../account/plans.ts';
import type { PublicOperationId, PublicOperationOf } from '../contracts/index.ts';
import type { PublicOperation } from '../contracts/operation.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Outcome } from './run.ts';

type Handler<Id extends PublicOperationId> = (
  input: z.output<PublicOperationOf<Id>['input']>,
) => z.input<PublicOperationOf<Id>['output']>;

const handlers: { [Id in PublicOperationId]: Handler<Id> } = {
  'plans.list': listPlans,
};

/**
 * Answers what needs no key: nobody to authorise, to limit by plan or to meter.
 * @throws Problem `invalid_request`, `unprocessable`
 */
export function runPublic(operation: PublicOperation, rawInput: unknown): Outcome {
  const handler = handlers[operation.id as PublicOperationId] as (input: unknown) => unknown;
  const body = operation.output.parse(handler(parseInput(operation.input, rawInput)));
  return { status: 200, headers: {}, body, text: JSON.stringify(body) };
}
