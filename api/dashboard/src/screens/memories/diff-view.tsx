import { useQuery } from '@tanstack/react-query';
import type { Change } from 'diff';
import type { OutputOf } from '../../api/client.ts';
import { Callout, Loading } from '../../components/feedback.tsx';

/** A state of a memory: the present one, or a version. */
export type MemoryState = OutputOf<'memories.versions'>['results'][number];

/** Milliseconds after which a comparison is given up: long texts that share little take minutes. */
const TIMEOUT_MS = 1_500;
/** Lines of an unchanged passage that stay at each of its ends. */
const CONTEXT_LINES = 3;

const FIELDS = {
  title: 'Title',
  project: 'Project',
  tags: 'Tags',
  type: 'Type',
  status: 'Status',
  session_id: 'Session',
  occurred_at: 'Time of the event',
  expires_at: 'Expires',
  supersedes: 'Supersedes',
  metadata: 'Metadata',
} as const satisfies Partial<Record<keyof MemoryState, string>>;

/** Renders the differences between two states of a memory. */
export function DiffView({ from, to }: { from: MemoryState; to: MemoryState }) {
  const fields = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).filter(
    (name) => textOf(from[name]) !== textOf(to[name]),
  );
  const isSameText = from.content === to.content;
  if (isSameText && fields.length === 0) return <p className="detail">These two states do not differ.</p>;
  return (
    <div className="stack">
      {fields.length > 0 && (
        <dl className="facts">
          {fields.map((name) => (
            <div key={name} className="fact">
              <dt>{FIELDS[name]}</dt>
              <dd>
                <del>{textOf(from[name]) || 'none'}</del> <ins>{textOf(to[name]) || 'none'}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {!isSameText && <TextDiff from={from.content} to={to.content} />}
    </div>
  );
}

/** Renders the lines that differ between two texts, with a few of the others around them. */
export function TextDiff({ from, to }: { from: string; to: string }) {
  const changes = useQuery({
    queryKey: ['diff', from, to],
    queryFn: async () => {
      const { diffLines } = await import('diff');
      return (diffLines(from, to, { timeout: TIMEOUT_MS }) as Change[] | undefined) ?? null;
    },
    gcTime: 60_000,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (changes.isError || changes.data === null) {
    return <Callout>These texts are too long and too different to compare line by line.</Callout>;
  }
  if (!changes.data) return <Loading label="Comparing" lines={3} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls must be reachable by keyboard
    <pre className="diff" tabIndex={0}>
      {changes.data.map(({ added, removed, value }, index, { length }) => {
        // The list is rendered once for a pair of texts.
        const key = `${index}`;
        const lines = value.replace(/\n$/u, '');
        if (added) return <ins key={key}>{prefixed(lines, '+ ')}</ins>;
        if (removed) return <del key={key}>{prefixed(lines, '- ')}</del>;
        return <span key={key}>{shortened(lines, index === 0, index === length - 1)}</span>;
      })}
    </pre>
  );
}

function prefixed(lines: string, prefix: string): string {
  return `${lines
    .split('\n')
    .map((line) => `${prefix}${line}`)
    .join('\n')}\n`;
}

function shortened(lines: string, isFirst: boolean, isLast: boolean): string {
  const all = lines.split('\n');
  const head = isFirst ? 0 : CONTEXT_LINES;
  const tail = isLast ? 0 : CONTEXT_LINES;
  if (all.length <= head + tail + 1) return prefixed(lines, '  ');
  const left = all.length - head - tail;
  const kept = [...all.slice(0, head), `… ${left} unchanged lines …`, ...(tail > 0 ? all.slice(-tail) : [])];
  return prefixed(kept.join('\n'), '  ');
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
