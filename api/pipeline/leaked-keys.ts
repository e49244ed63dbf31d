import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseJsonBody } from '../contracts/json-body.ts';
import { Problem } from '../errors.ts';
import { isWellFormedKey } from '../keys/key-format.ts';
import { type LeakedKeyReport, revokeLeakedKey } from '../keys/leaked-key-reports.ts';
import type { PipelineDependencies } from './dependencies.ts';

/** Findings as GitHub's secret scanning partner program sends them. */
const findings = z.array(
  z.object({
    token: z.string(),
    type: z.string(),
    url: z
      .string()
      .refine((url) => url.isWellFormed() && !url.includes('\0'), 'must be text that can be stored')
      .nullish(),
    source: z.string().nullish(),
  }),
);

/** The response to GitHub for one finding. The token is given as its SHA-256 in hex. */
export interface Verdict {
  token_hash: string;
  token_type: string;
  label: 'true_positive' | 'false_positive';
}

/** Revokes a leaked key, and returns whether the token is or was a key of this service. */
export async function handleLeakedKey(pipeline: PipelineDependencies, leak: LeakedKeyReport): Promise<boolean> {
  if (!isWellFormedKey(leak.apiKey)) return false;
  const { now, newId } = pipeline;
  const userId = await pipeline.database.ownerWrite((sql) => revokeLeakedKey({ sql, now, newId }, leak));
  // The database notifies this node too, but perhaps only after the response.
  if (userId) pipeline.keys.onChange(userId);
  return userId !== undefined;
}

/**
 * Processes findings of GitHub's secret scanning. Requests that GitHub did not sign count against the limit of the client IP.
 * @param request the body's bytes as they came, and the two headers that sign them
 * @throws Problem `bad_signature`, `rate_limited`, `malformed_request`; `unavailable` while GitHub's keys cannot be read
 */
export function receiveFromGithub(
  pipeline: PipelineDependencies,
  request: { body: Buffer; identifier: string; signature: string },
  address: string,
): Promise<Verdict[]> {
  return pipeline.ipLimiter.attempt(address, async () => {
    const { body, identifier, signature } = request;
    if (!(await pipeline.secretScanning.isSigned(body, identifier, signature))) throw new Problem('bad_signature');
    const verdicts: Verdict[] = [];
    for (const { token, type, url } of findingsOf(body)) {
      const isOurs = await handleLeakedKey(pipeline, { apiKey: token, url: url || null, reporter: 'github' });
      verdicts.push({
        token_hash: createHash('sha256').update(token).digest('hex'),
        token_type: type,
        label: isOurs ? 'true_positive' : 'false_positive',
      });
    }
    return verdicts;
  });
}

function findingsOf(body: Buffer): z.output<typeof findings> {
  const parsed = findings.safeParse(parseJsonBody(body));
  if (parsed.success) return parsed.data;
  throw new Problem('malformed_request', { detail: 'The body is not a list of findings.' }, parsed.error);
}
