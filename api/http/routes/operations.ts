import type Router from '@koa/router';
import type { Context } from 'koa';
import { OPERATIONS, OPERATOR_OPERATIONS, PUBLIC_OPERATIONS } from '../../contracts/index.ts';
import { type JsonSchema, jsonSchema } from '../../contracts/json-schema.ts';
import { isMemoryOperation, type Operation, takesBody } from '../../contracts/operation.ts';
import { Problem } from '../../errors.ts';
import { setDefaultProject } from '../../pipeline/default-project.ts';
import type { PipelineDependencies } from '../../pipeline/dependencies.ts';
import { rejectCall, run } from '../../pipeline/run.ts';
import { runPublic } from '../../pipeline/run-public.ts';
import { readJson, rejectBody } from '../body.ts';
import { authenticateRestRequest, callOf } from '../call.ts';
import { abortOnClose } from '../close-signal.ts';
import { defaultProjectOf, idempotencyKeyOf, ifMatchOf } from '../headers.ts';
import { stateOf } from '../request-state.ts';
import { sendOutcome } from '../respond.ts';

/** Binds every declared operation to its REST method and path. */
export function operationRoutes(router: Router, pipeline: PipelineDependencies, bodyBytesMax: number): void {
  for (const operation of [...OPERATIONS, ...OPERATOR_OPERATIONS] as readonly Operation[]) {
    const fields = jsonSchema(operation.input, 'input').properties ?? {};
    const path = `/api/v1${operation.http.path.replace(/\{(\w+)\}/g, ':$1')}`;
    router.register(path, [operation.http.method], async (ctx: Context) => {
      const caller = await authenticateRestRequest(ctx, pipeline);
      caller.signal = abortOnClose(ctx).signal;
      stateOf(ctx).operation = operation.id;
      const request = await requestOf(ctx, operation, fields, bodyBytesMax);
      const call = callOf(ctx, pipeline, caller, operation.http.method);
      // A request that cannot be read is limited and metered like any other.
      if (request instanceof Problem) return sendOutcome(ctx, await rejectCall(pipeline, operation.id, call, request));
      const { input, project, idempotencyKey } = request;
      setDefaultProject(caller, project);
      sendOutcome(ctx, await run(pipeline, operation, { ...call, idempotencyKey }, input));
      holdUntilSent(ctx, pipeline, caller.userId);
    });
  }
}

/** Smaller responses fit the buffers of the system. */
const HELD_BYTES_MIN = 65_536;

/** Counts a large response towards its account until the client has read it or is gone. */
function holdUntilSent(ctx: Context, { requestQueue }: PipelineDependencies, userId: string): void {
  const bytes = typeof ctx.body === 'string' ? ctx.length : undefined;
  if (bytes === undefined || bytes < HELD_BYTES_MIN || ctx.res.closed) return;
  ctx.res.once('close', requestQueue.hold(userId, bytes));
}

/** Binds the public operations, which need no key and count against the limit of the client IP. */
export function publicRoutes(router: Router, pipeline: PipelineDependencies, bodyBytesMax: number): void {
  for (const operation of PUBLIC_OPERATIONS) {
    const fields = jsonSchema(operation.input, 'input').properties ?? {};
    router.register(`/api/v1${operation.http.path}`, [operation.http.method], async (ctx: Context) => {
      stateOf(ctx).operation = operation.id;
      await pipeline.ipLimiter.consume(ctx.ip, { purpose: 'public' });
      if (!takesBody(operation)) rejectBody(ctx);
      const input = takesBody(operation)
        ? await readJson(ctx, bodyBytesMax)
        : queryInput(new URLSearchParams(ctx.querystring), fields);
      sendOutcome(ctx, await runPublic(pipeline, operation, input));
    });
  }
}

async function requestOf(ctx: Context, operation: Operation, fields: Record<string, JsonSchema>, bodyBytesMax: number) {
  try {
    const idempotencyKey = operation.execution.kind === 'write' ? idempotencyKeyOf(ctx) : undefined;
    const project = isMemoryOperation(operation) ? defaultProjectOf(ctx) : undefined;
    return { idempotencyKey, project, input: await inputOf(ctx, operation, fields, bodyBytesMax) };
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

async function inputOf(
  ctx: Context,
  operation: Operation,
  fields: Record<string, JsonSchema>,
  bodyBytesMax: number,
): Promise<unknown> {
  const version = operation.http.ifMatch ? ifMatchOf(ctx) : undefined;
  if (!takesBody(operation)) rejectBody(ctx);
  const rest = takesBody(operation)
    ? await readJson(ctx, bodyBytesMax)
    : queryInput(new URLSearchParams(ctx.querystring), fields);
  if (rest !== undefined && !isObject(rest)) {
    throw new Problem('invalid_request', {
      detail: 'The body must be a JSON object.',
      errors: [{ path: '', message: 'must be an object' }],
    });
  }
  const twice = Object.keys(ctx.params).find((name) => rest && name in rest);
  if (twice) {
    const message = 'must be given in the path only';
    throw new Problem('invalid_request', { detail: `${twice}: ${message}`, errors: [{ path: twice, message }] });
  }
  return { ...rest, ...ctx.params, ...(version !== undefined && { if_version: version }) };
}

/** Converts a query string to an input object, each value to the type that the contract gives its field. */
function queryInput(query: URLSearchParams, fields: Record<string, JsonSchema>): Record<string, unknown> {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(names.map((name) => [name, queryValue(name, query.getAll(name), fields[name])]));
}

function queryValue(name: string, values: string[], field: JsonSchema | undefined): unknown {
  const types = ([] as unknown[]).concat(field?.type ?? []);
  if (types.includes('array')) return values.flatMap(listOf).filter((value) => value !== '');
  if (values.length > 1) {
    const message = 'must be given once';
    throw new Problem('invalid_request', { detail: `${name}: ${message}`, errors: [{ path: name, message }] });
  }
  const [value = ''] = values;
  if (value === '' && types.includes('null')) return null;
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (types.includes('boolean') && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

/** Splits a list in a query string at its commas. A JSON array is taken as it is, for values that contain commas: `tags=["a,b"]`. */
function listOf(value: string): unknown[] {
  if (value.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(value);
      if (Array.isArray(list)) return list;
    } catch {
      // Not JSON: a list whose first value starts with a bracket.
    }
  }
  return value.split(',');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
