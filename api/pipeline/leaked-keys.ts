import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../errors.ts';
import { isWellFormedKey } from '../keys/key-format.ts';
import { type LeakedKeyReport, revokeLeakedKey } from '../keys/leaked-key-reports.ts';
import type { PipelineDependencies } from './dependencies.ts';

/** A finding, as GitHub's partner programme sends it. */
const findings = z.array(
  z.object({ token: z.string(), type: z.string(), url: z.string().nullish(), source: z.string().nullish() }),
);

/** What GitHub is told of a finding; the token by its SHA-256 in hex. */
export interface Verdict {
  token_hash: string;
  token_type: string;
  label: 'true_positive' | 'false_positive';
}

/** Revokes a leaked key, where it is one. Answers whether it is, or was, a key of ours. */
export async function handleLeakedKey(pipeline: PipelineDependencies, leak: LeakedKeyReport): Promise<boolean> {
  if (!isWellFormedKey(leak.apiKey)) return false;
  const { now, newId } = pipeline;
  const userId = await pipeline.database.ownerWrite((sql) => revokeLeakedKey({ sql, now, newId }, leak));
  // This node too is told by the database, but perhaps only after the answer.
  if (userId) pipeline.keys.onChange(userId);
  return userId !== undefined;
}

/**
 * Takes in what GitHub's secret scanning found. What is not signed by GitHub costs a call of its address.
 * @param request the body's bytes as they came, and the two headers that sign them
 * @throws Problem `bad_signature`, `rate_limited`, `malformed_request`; `unavailable` while GitHub's keys cannot be read
 */
export function receiveFromGithub(
  pipeline: PipelineDependencies,
  request: { body: Buffer; identifier: string; signature: string },
  address: string,
): Promise<Verdict[]> {
  return pipeline.addresses.attempt(address, async () => {
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
  try {
    return findings.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw new Problem('malformed_request', { detail: 'The body is no list of findings.' }, error);
  }
}
