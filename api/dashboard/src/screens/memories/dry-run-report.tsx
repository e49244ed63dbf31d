import type { ReactNode } from 'react';
import { Callout } from '../../components/feedback.tsx';
import { memoriesText } from './count-text.ts';

interface DryRunReportProps {
  /** Memories that would change. */
  count: number;
  /** Memories that the change applies to. */
  matched: number;
  rejected: readonly { detail: string }[];
  /** Memories that would be archived, since their new project has an exact duplicate. */
  duplicates?: number;
  children?: ReactNode;
}

/** Says what a change of many memories would do. */
export function DryRunReport({ count, matched, rejected, duplicates = 0, children }: DryRunReportProps) {
  const unchanged = matched - count - rejected.length;
  return (
    <div className="stack small" role="status">
      <p>
        <strong>{count === 0 ? 'Nothing would change.' : `${memoriesText(count)} would change.`}</strong>
        {unchanged > 0 && ` ${memoriesText(unchanged)} ${unchanged === 1 ? 'is' : 'are'} like that already.`}
      </p>
      {children}
      {duplicates > 0 && (
        <p className="detail">
          {memoriesText(duplicates)} of them would be archived: the project has exactly the same one already.
        </p>
      )}
      {rejected.length > 0 && (
        <Callout kind="warning">
          {memoriesText(rejected.length)} cannot change. {rejected[0]?.detail}
        </Callout>
      )}
    </div>
  );
}
