import { Badge } from '../../components/feedback.tsx';

const STATUSES = {
  active: { kind: 'success', label: 'active' },
  read_only: { kind: 'warning', label: 'read-only' },
  closing: { kind: 'warning', label: 'being deleted' },
  deleted: { kind: 'error', label: 'deleted' },
} as const;

/** Renders the status of an account. */
export function StatusBadge({ status }: { status: keyof typeof STATUSES }) {
  const { kind, label } = STATUSES[status];
  return <Badge kind={kind}>{label}</Badge>;
}
