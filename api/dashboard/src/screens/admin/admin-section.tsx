import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { Badge } from '../../components/feedback.tsx';
import { Screen } from '../../components/screen.tsx';
import './admin.css';

type Overview = OutputOf<'admin.overview'>;

/** The sections of administration, with the number of entries that need the operator. */
const SECTIONS = [
  { to: '/admin', label: 'Accounts', failed: () => 0 },
  { to: '/admin/webhooks', label: 'Webhooks', failed: (counts: Overview) => counts.dead_webhooks },
  { to: '/admin/jobs', label: 'Jobs', failed: (counts: Overview) => counts.dead_jobs },
  { to: '/admin/mails', label: 'E-mails', failed: (counts: Overview) => counts.failed_mails },
  { to: '/admin/whop', label: 'Comparison with Whop', failed: () => 0 },
] as const;

interface AdminSectionProps {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}

/** Renders a screen of administration: what an operator sees and does not see, and the links of the sections. */
export function AdminSection({ title, actions, children }: AdminSectionProps) {
  const { data } = useOperation('admin.overview', {});
  return (
    <Screen
      title={title}
      lead="You see accounts and counts, never the contents of memories. What you change is in the audit log of the account."
      actions={actions}
    >
      <div className="stack">
        <nav aria-label="Administration" className="tab-list">
          {SECTIONS.map(({ to, label, failed }) => (
            <Link key={to} to={to} className="tab admin-tab" activeOptions={{ exact: true, includeSearch: false }}>
              {label}
              {data && failed(data) > 0 && <Badge kind="error">{failed(data)} failed</Badge>}
            </Link>
          ))}
        </nav>
        {children}
      </div>
    </Screen>
  );
}
