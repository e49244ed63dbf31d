import type { z } from 'zod';
import type { PublicOperationId, PublicOperationOf } from '../contracts/index.ts';
import type { PublicOperation } from '../contracts/operation.ts';
import { parseInput } from '../contracts/parse.ts';
import { pollDeviceLogin, startDeviceLogin } from '../keys/device-logins.ts';
import { listPlans } from '../limits/plans.ts';
import type { Outcome } from './call.ts';
import type { PipelineDependencies } from './dependencies.ts';
import { handleLeakedKey } from './leaked-key.ts';

type Answer<Id extends PublicOperationId> = z.input<PublicOperationOf<Id>['output']>;
type Handler<Id extends PublicOperationId> = (
  pipeline: PipelineDependencies,
  input: z.output<PublicOperationOf<Id>['input']>,
) => Answer<Id> | Promise<Answer<Id>>;

const handlers: { [Id in PublicOperationId]: Handler<Id> } = {
  'plans.list': listPlans,
  'keys.leaked': async (pipeline, { api_key }) => {
    await handleLeakedKey(pipeline, { apiKey: api_key, url: null, reporter: 'public' });
    return { received: true };
  },
  'device.start': (pipeline, input) => {
    const { now, newId } = pipeline;
    const publicUrl = pipeline.publicUrl();
    return pipeline.database.ownerWrite((sql) => startDeviceLogin({ sql, now, newId, publicUrl }, input));
  },
  'device.poll': async (pipeline, input) => {
    const { now, newId, keyEnvironment } = pipeline;
    const { response, userId } = await pipeline.database.ownerWrite((sql) =>
      pollDeviceLogin({ sql, now, newId }, input, keyEnvironment),
    );
    // The database notifies this node too, but perhaps only after the response.
    if (userId) pipeline.keys.onChange(userId);
    return response;
  },
};

/**
 * Runs a public operation: without authorization, plan limits or metering. Database statements run in the admin role.
 * @throws Problem `invalid_request`, `unprocessable`
 */
export async function runPublic(
  pipeline: PipelineDependencies,
  operation: PublicOperation,
  rawInput: unknown,
): Promise<Outcome> {
  const handler = handlers[operation.id as PublicOperationId] as (
    pipeline: PipelineDependencies,
    input: unknown,
  ) => unknown;
  const body = operation.output.parse(await handler(pipeline, parseInput(operation.input, rawInput)));
  return { status: operation.http.statuses[0], headers: {}, body, text: JSON.stringify(body) };
}
