import { Link } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { urlOf } from '../../api/client.ts';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { ErrorPanel, Loading, Progress } from '../../components/feedback.tsx';
import { formatBytes, formatDateTime, formatNumber, formatRelative } from '../../components/format.tsx';

/** Milliseconds between looks at an export that is being written. */
const POLL_MS = 2_000;

/** Names of the counted kinds, as people read them. */
const KINDS: Record<string, string> = {
  memory: 'memories',
  memory_version: 'earlier versions',
  api_key: 'keys, without their secrets',
  usage_day: 'rows of usage',
  membership: 'purchases',
  audit: 'entries of the audit log',
};

/** Renders the export of everything that the account contains: request it, watch it, download it. */
export function ExportPanel() {
  const exports = useOperation(
    'account.exports',
    {},
    {
      refetchInterval: (last) => (last?.results[0]?.status === 'pending' ? POLL_MS : false),
    },
  );
  const request = useAction('account.export', { changes: ['account.exports', 'user.audit_log'] });
  const newest = exports.data?.results[0];
  return (
    <section className="panel" aria-labelledby="export-title">
      <h2 id="export-title">Export and import</h2>
      <div className="stack">
        <p>
          One file with every memory, its versions, your usage and your audit log: gzipped JSON lines. It is kept for 7
          days, and works on every plan.
        </p>
        {!exports.data &&
          (exports.error ? (
            <ErrorPanel error={exports.error} onRetry={() => exports.refetch()} />
          ) : (
            <Loading lines={1} />
          ))}
        {newest?.status === 'pending' && <Progress label="The file is being written" />}
        {newest?.status === 'ready' && (
          <div className="row">
            <ButtonLink variant="primary" href={urlOf('account.export_file', {})} download>
              <Download size={16} aria-hidden />
              Download, {formatBytes(newest.bytes ?? 0)}
            </ButtonLink>
            <span className="detail">
              As of {formatDateTime(newest.created_at)}; kept until it expires
              {newest.expires_at && ` ${formatRelative(newest.expires_at)}`}.
            </span>
          </div>
        )}
        {newest?.status === 'ready' && newest.counts && (
          <p className="detail">
            {Object.entries(newest.counts)
              .filter(([, count]) => count > 0)
              .map(([kind, count]) => `${formatNumber(count)} ${KINDS[kind] ?? kind}`)
              .join(', ')}
          </p>
        )}
        {newest?.status === 'erased' && (
          <p>The last file was erased, because a memory in it was deleted for good. Request a new one.</p>
        )}
        {newest?.status === 'failed' && <p>The last export failed. Request a new one.</p>}
        {newest?.status !== 'pending' && (
          <div className="row">
            <Button isPending={request.isPending} onPress={() => request.mutate({})}>
              {newest ? 'Write a new file' : 'Export everything'}
            </Button>
            <Link to="/memories/import">Import a file</Link>
          </div>
        )}
      </div>
    </section>
  );
}
