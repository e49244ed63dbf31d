import { AlertTriangle, CheckCircle2, Info } from 'lucide-react';
import type { ReactNode } from 'react';
import { Meter as AriaMeter, Label, ProgressBar } from 'react-aria-components';
import type { ApiError } from '../api/client.ts';
import { Button } from './button.tsx';

/** Renders gray lines in place of content that is being read. */
export function Loading({ label = 'Loading', lines = 4 }: { label?: string; lines?: number }) {
  return (
    <div className="loading" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => `line-${line}`).map((key) => (
        <span key={key} className="skeleton" />
      ))}
    </div>
  );
}

/** Renders an error of a read in place of its content, with a button that tries again. */
export function ErrorPanel({ error, onRetry }: { error: ApiError; onRetry?: () => void }) {
  return (
    <div className="callout error" role="alert">
      <AlertTriangle size={18} aria-hidden />
      <div className="stack small">
        <strong>{error.title}</strong>
        <p>{error.message}</p>
        {error.requestId && <p className="detail">Request {error.requestId}</p>}
        {onRetry && (
          <div>
            <Button onPress={onRetry}>Try again</Button>
          </div>
        )}
      </div>
    </div>
  );
}

interface EmptyStateProps {
  title: string;
  /** The next step, in words. */
  children?: ReactNode;
  action?: ReactNode;
}

/** Renders the place of a list that has no entries yet, with the next step. */
export function EmptyState({ title, children, action }: EmptyStateProps) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

const ICONS = { info: Info, warning: AlertTriangle, error: AlertTriangle, success: CheckCircle2 };

/** Renders a short message that belongs to the screen. */
export function Callout({ kind = 'info', children }: { kind?: keyof typeof ICONS; children: ReactNode }) {
  const Icon = ICONS[kind];
  return (
    <div className={`callout ${kind}`}>
      <Icon size={18} aria-hidden />
      <div>{children}</div>
    </div>
  );
}

/** Renders a word that classifies something, such as a status. */
export function Badge({
  kind = 'neutral',
  children,
}: {
  kind?: 'neutral' | 'accent' | 'success' | 'warning' | 'error';
  children: ReactNode;
}) {
  return <span className={`badge ${kind}`}>{children}</span>;
}

interface MeterProps {
  label: string;
  used: number;
  limit: number;
  /** The two numbers, in words. */
  text: string;
}

/** Renders the used share of a limit. From 80 % it warns, from 100 % it is an error. */
export function Meter({ label, used, limit, text }: MeterProps) {
  // Rounded, because assistive technology reads no exponents.
  const percent = limit > 0 ? Math.min(100, Math.round((used / limit) * 10_000) / 100) : 100;
  const level = percent >= 100 ? 'full' : percent >= 80 ? 'high' : 'normal';
  return (
    <AriaMeter value={percent} valueLabel={text} className={`meter ${level}`}>
      <div className="meter-head">
        <Label>{label}</Label>
        <span className="detail">{text}</span>
      </div>
      <svg className="meter-bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true">
        <rect className="meter-track" width="100" height="2" />
        <rect className="meter-fill" width={percent} height="2" />
      </svg>
    </AriaMeter>
  );
}

/** Renders the progress of long work: a share, or only that it goes on. */
export function Progress({ label, percent }: { label: string; percent?: number }) {
  return (
    <ProgressBar className="progress" isIndeterminate={percent === undefined} value={percent ?? 0}>
      {({ valueText }) => (
        <>
          <div className="meter-head">
            <Label>{label}</Label>
            <span className="detail">{percent === undefined ? '' : valueText}</span>
          </div>
          <svg className="meter-bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true">
            <rect className="meter-track" width="100" height="2" />
            <rect
              className={percent === undefined ? 'meter-fill moving' : 'meter-fill'}
              width={percent ?? 30}
              height="2"
            />
          </svg>
        </>
      )}
    </ProgressBar>
  );
}
