import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import type { ApiError } from '../api/client.ts';
import { ErrorPanel, Loading } from './feedback.tsx';

interface ScreenProps {
  title: string;
  /** One sentence below the title. */
  lead?: ReactNode;
  /** Buttons beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** Renders a screen with its title, which is also the title of the browser's tab. */
export function Screen({ title, lead, actions, children }: ScreenProps) {
  useEffect(() => {
    document.title = `${title} · WhiteMagic`;
  }, [title]);
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>{title}</h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="screen-actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

interface LoadedProps<Data> {
  result: UseQueryResult<Data, ApiError>;
  children: (data: Data) => ReactNode;
}

/** Renders the result of a read, or that it is loading, or its error. */
export function Loaded<Data>({ result, children }: LoadedProps<Data>) {
  if (result.data !== undefined) return children(result.data);
  if (result.error) return <ErrorPanel error={result.error} onRetry={() => result.refetch()} />;
  return <Loading />;
}
