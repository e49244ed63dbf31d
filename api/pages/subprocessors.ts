import { isIP } from 'node:net';
import type { Config } from '../config.ts';

/** A company that processes data of customers. */
interface Subprocessor {
  name: string;
  purpose: string;
  receives: string;
}

/** Settings from which the list is made. */
export type SubprocessorConfig = Pick<
  Config,
  'subprocessors' | 'smtpUrl' | 'embedder' | 'embeddings' | 'backup' | 'sentryDsn' | 'tracing'
>;

/** Returns the sub-processors: those of SUBPROCESSORS, and the hosts of others to which the settings send data. */
export function listSubprocessors(config: SubprocessorConfig): Subprocessor[] {
  const { subprocessors, smtpUrl, embedder, embeddings, backup, sentryDsn, tracing } = config;
  const at = (url: string | undefined, purpose: string, receives: string): Subprocessor[] => {
    const name = foreignHost(url);
    return name === undefined ? [] : [{ name, purpose, receives }];
  };
  const isBucket = backup.to?.startsWith('s3:') ?? false;
  return [
    ...subprocessors.map(({ name, purpose }) => ({ name, purpose, receives: 'what the purpose requires' })),
    ...at(smtpUrl, 'delivers e-mails', 'e-mail addresses and e-mails'),
    ...at(embedder === 'openai' ? embeddings.url : undefined, 'computes vectors', 'texts of memories and queries'),
    ...at(isBucket ? backup.bucket.endpoint : undefined, 'stores backups', 'all data'),
    ...at(sentryDsn, 'receives reports of faults', 'ids of requests and accounts, no contents'),
    ...at(tracing.otlp.endpoint, 'receives measurements of calls', 'ids and durations, no contents'),
  ];
}

/** Returns the list as a Markdown table. */
export function subprocessorTable(config: SubprocessorConfig): string {
  const rows = listSubprocessors(config).map(({ name, purpose, receives }) => `| ${name} | ${purpose} | ${receives} |`);
  if (rows.length === 0) return 'None: this service runs on servers of the operator, and sends no data to others.';
  return `| who | what for | what they receive |\n|---|---|---|\n${rows.join('\n')}`;
}

/** Returns the host of a URL unless it is in the operator's own network: an address, or a name without a point. */
function foreignHost(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  const isOwn =
    isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || !hostname.includes('.') || /\.(internal|local)$/.test(hostname);
  return isOwn ? undefined : hostname;
}
