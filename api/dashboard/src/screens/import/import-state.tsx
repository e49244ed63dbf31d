import { useMutation } from '@tanstack/react-query';
import type { ApiError, OutputOf } from '../../api/client.ts';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Badge, Callout, Progress } from '../../components/feedback.tsx';
import { formatBytes, formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { notifyDone, notifyError } from '../../components/toasts.tsx';
import { memoriesText } from '../memories/count-text.ts';
import { downloadReport } from './report.ts';

type State = OutputOf<'imports.get'>;

const FORMATS: Record<NonNullable<State['format']>, string> = {
  whitemagic: 'WhiteMagic account export',
  server_memory: 'MCP server-memory',
  mem0: 'mem0',
  supermemory: 'supermemory',
  zep: 'Zep',
  markdown: 'Markdown',
  csv: 'CSV',
  jsonl: 'JSON lines',
};

const STATUSES: Record<
  State['status'],
  { text: string; kind: 'neutral' | 'accent' | 'success' | 'warning' | 'error' }
> = {
  uploading: { text: 'Not completely uploaded', kind: 'neutral' },
  checking: { text: 'Checking', kind: 'accent' },
  checked: { text: 'Checked', kind: 'accent' },
  importing: { text: 'Importing', kind: 'accent' },
  completed: { text: 'Imported', kind: 'success' },
  stopped: { text: 'Stopped', kind: 'warning' },
  failed: { text: 'Cannot be read', kind: 'error' },
};

const POLL_MS = 1_000;
const isBusy = (status: State['status']) => status === 'checking' || status === 'importing';

/** Renders an import: its progress, what it would do or did, what does not fit, and the next step. */
export function ImportState({ id, onClose }: { id: string; onClose: () => void }) {
  const state = useOperation(
    'imports.get',
    { id },
    { refetchInterval: (last) => (last === undefined || isBusy(last.status) ? POLL_MS : false) },
  );
  return <Loaded result={state}>{(data) => <Shown state={data} onClose={onClose} />}</Loaded>;
}

function Shown({ state, onClose }: { state: State; onClose: () => void }) {
  const { id, status, name, format, counts, reason, findings, progress } = state;
  const run = useAction('imports.run', { changes: ['imports.get', 'imports.list', 'memories.list'] });
  const remove = useAction('imports.delete', {
    changes: ['imports.list'],
    onSuccess: () => {
      notifyDone('Import deleted');
      onClose();
    },
  });
  const report = useMutation<void, ApiError, string>({ mutationFn: downloadReport, onError: notifyError });
  const isRun = !state.dry_run && status !== 'checking';
  return (
    <section className="stack" aria-label={`Import of ${name}`}>
      <div className="row">
        <h2 className="clipped">{name}</h2>
        <Badge kind={STATUSES[status].kind}>{STATUSES[status].text}</Badge>
        {format && <Badge>{FORMATS[format]}</Badge>}
      </div>
      {isBusy(status) && <Progress label={STATUSES[status].text} percent={Math.floor(100 * progress)} />}
      {reason && <Callout kind={status === 'failed' ? 'error' : 'warning'}>{reason}</Callout>}
      {status !== 'failed' && status !== 'uploading' && (
        <dl className="import-counts">
          <Count
            label={isRun ? 'Imported memories' : 'New memories'}
            value={isRun ? counts.imported_memories : counts.memories}
          />
          <Count label="Former versions" value={isRun ? counts.imported_versions : counts.versions} />
          <Count label="You have already" value={counts.unchanged} />
          <Count label="Do not fit" value={counts.rejected} />
          <div>
            <dt>Storage</dt>
            <dd>{formatBytes(counts.storage_bytes)}</dd>
          </div>
        </dl>
      )}
      {findings.length > 0 && (
        <DataTable
          label="What does not fit"
          columns={FINDING_COLUMNS}
          rows={findings}
          keyOf={({ line, what, why }) => `${line} ${what} ${why}`}
        />
      )}
      <div className="row">
        {(status === 'checked' || status === 'stopped') && (
          <Button variant="primary" isPending={run.isPending} onPress={() => run.mutate({ id, dry_run: false })}>
            {status === 'stopped' ? 'Continue' : `Import ${memoriesText(counts.memories)}`}
          </Button>
        )}
        {(findings.length > 0 || counts.unchanged > 0) && (
          <Button isPending={report.isPending} onPress={() => report.mutate(id)}>
            Download the report
          </Button>
        )}
        <Button onPress={onClose}>{status === 'completed' ? 'Import another file' : 'Back'}</Button>
        <Button isPending={remove.isPending} onPress={() => remove.mutate({ id })}>
          {isBusy(status) ? 'Cancel' : 'Delete'}
        </Button>
      </div>
    </section>
  );
}

function Count({ label, value }: { label: string; value: number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{formatNumber(value)}</dd>
    </div>
  );
}

const FINDING_COLUMNS: readonly Column<State['findings'][number]>[] = [
  { label: 'Line', isNumber: true, value: ({ line }) => formatNumber(line) },
  { label: 'Record', isRowHeader: true, value: ({ what }) => what },
  { label: 'Reason', value: ({ why }) => why },
];
