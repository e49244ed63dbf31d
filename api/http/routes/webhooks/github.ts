import { createHash } from 'node:crypto';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { parseJsonBody } from '../../../contracts/json-body.ts';
import { Problem } from '../../../errors.ts';
import type { PipelineDependencies } from '../../../pipeline/dependencies.ts';
import { handleLeakedKey } from '../../../pipeline/leaked-key.ts';
import { readBytes } from '../../body.ts';

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

/** Receives findings of GitHub's secret scanning, revokes the keys among them, and responds which tokens were keys. */
export function secretScanningRoutes(router: Router, pipeline: PipelineDependencies, bodyBytesMax: number): void {
  router.post('/webhooks/github/secret-scanning', async (ctx: Context) => {
    const body = await readBytes(ctx, bodyBytesMax);
    const identifier = ctx.get('Github-Public-Key-Identifier');
    const signature = ctx.get('Github-Public-Key-Signature');
    ctx.body = await receive(pipeline, { body, identifier, signature }, ctx.ip);
  });
}

/** The response for one finding. The token is given as its SHA-256 in hex. */
interface Verdict {
  token_hash: string;
  token_type: string;
  label: 'true_positive' | 'false_positive';
}

/**
 * Processes findings. Requests that GitHub did not sign count against the limit of the client IP.
 * @param request the raw bytes of the body, and the two headers that sign them
 * @throws Problem `invalid_signature`, `rate_limited`, `malformed_request`; `unavailable` while GitHub's keys cannot be read
 */
function receive(
  pipeline: PipelineDependencies,
  { body, identifier, signature }: { body: Buffer; identifier: string; signature: string },
  clientIp: string,
): Promise<Verdict[]> {
  const verify = async () => {
    const isSigned = await pipeline.secretScanning.isSigned(body, identifier, signature);
    if (!isSigned) throw new Problem('invalid_signature');
    const verdicts: Verdict[] = [];
    for (const { token, type, url } of parseFindings(body)) {
      const isKey = await handleLeakedKey(pipeline, { apiKey: token, url: url || null, reporter: 'github' });
      verdicts.push({
        token_hash: createHash('sha256').update(token).digest('hex'),
        token_type: type,
        label: isKey ? 'true_positive' : 'false_positive',
      });
    }
    return verdicts;
  };
  return pipeline.ipLimiter.attempt(clientIp, verify, { purpose: 'webhook' });
}

function parseFindings(body: Buffer): z.output<typeof findings> {
  const parsed = findings.safeParse(parseJsonBody(body));
  if (parsed.success) return parsed.data;
  throw new Problem('malformed_request', { detail: 'The body is not a list of findings.' }, parsed.error);
}
