import type { ReactNode } from 'react';
import { ApiError } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { ErrorPanel, Loading } from '../../components/feedback.tsx';

/** The result of `useOperationPages` for an operation with `results`. */
interface PagesResult<Row> {
  data: { pages: { results: Row[] }[] } | undefined;
  error: Error | null;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
}

interface PagesProps<Row> {
  result: PagesResult<Row>;
  /** Shown where there are no rows. */
  empty: ReactNode;
  children: (rows: Row[]) => ReactNode;
}

/** Renders a list that is read page by page, with a button that reads the next one. */
export function Pages<Row>({ result, empty, children }: PagesProps<Row>) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = result;
  if (data === undefined) {
    if (error) return <ErrorPanel error={toApiError(error)} onRetry={() => refetch()} />;
    return <Loading />;
  }
  const rows = data.pages.flatMap(({ results }) => results);
  if (rows.length === 0) return empty;
  return (
    <div className="stack">
      {children(rows)}
      {error && <ErrorPanel error={toApiError(error)} onRetry={() => refetch()} />}
      {hasNextPage && (
        <div className="row">
          <Button isPending={isFetchingNextPage} onPress={() => fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}

function toApiError(error: Error): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, { title: 'The list has an error', detail: error.message });
}
