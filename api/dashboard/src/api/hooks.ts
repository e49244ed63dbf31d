import {
  keepPreviousData,
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { OperationId } from '../../../contracts/index.ts';
import { notifyError } from '../components/toasts.tsx';
import { ApiError, call, type InputOf, type OutputOf } from './client.ts';
import { append, type Page, type ReadPages, readFirst, recordAct, refresh } from './pages.ts';

/** Cache of responses. A failed read is repeated only where a repetition can help. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 15_000, retry: (failures, error) => failures < 2 && isTemporary(error) },
  },
});

function isTemporary(error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

interface ReadOptions<Output> {
  enabled?: boolean;
  /** Milliseconds between repetitions, or a function that returns them for the last result. */
  refetchInterval?: number | false | ((last: Output | undefined) => number | false);
  /** Reads again whenever a screen opens, showing the last result meanwhile. Default: not within 15 seconds. */
  isLive?: boolean;
  /** Shows the result of the former input until the new one arrives. */
  keepsPrevious?: boolean;
}

/** Reads an operation, cached by its input. */
export function useOperation<Id extends OperationId>(
  id: Id,
  input: InputOf<Id>,
  { keepsPrevious, refetchInterval, isLive, ...options }: ReadOptions<OutputOf<Id>> = {},
): UseQueryResult<OutputOf<Id>, ApiError> {
  return useQuery<OutputOf<Id>, ApiError>({
    queryKey: [id, input],
    queryFn: ({ signal }) => call(id, input, { signal }),
    ...(isLive && { staleTime: 0 }),
    ...(keepsPrevious && { placeholderData: keepPreviousData }),
    ...(refetchInterval !== undefined && {
      refetchInterval:
        typeof refetchInterval === 'function'
          ? (query: { state: { data: OutputOf<Id> | undefined } }) => refetchInterval(query.state.data)
          : refetchInterval,
    }),
    ...options,
  } as Parameters<typeof useQuery<OutputOf<Id>, ApiError>>[0]);
}

interface PagesOptions<Output> {
  enabled?: boolean;
  /** Returns the milliseconds until the list is read again, by its last pages. */
  refetchInterval?: (pages: readonly Output[]) => number | false;
}

/**
 * Reads an operation page by page. `data.pages` has the pages so far; `fetchNextPage()` reads the next one. A list that
 * is read again keeps its pages: only the first one, and those with what an act changed, are requested.
 */
export function useOperationPages<Id extends OperationId>(
  id: Id,
  input: InputOf<Id>,
  { enabled = true, refetchInterval = () => false }: PagesOptions<OutputOf<Id>> = {},
) {
  type Output = OutputOf<Id> & Page;
  const client = useQueryClient();
  const queryKey = [id, 'pages', input];
  const readOne = (cursor: string | undefined, signal?: AbortSignal) =>
    call(id, { ...(input as object), ...(cursor && { cursor }) } as InputOf<Id>, { signal }) as Promise<Output>;
  const latest = () => client.getQueryData<ReadPages<Output>>(queryKey);
  const query = useQuery<ReadPages<Output>, ApiError>({
    queryKey,
    queryFn: ({ signal }) => {
      const former = latest();
      const read = (cursor: string | undefined) => readOne(cursor, signal);
      return former ? refresh(id, former, read, latest) : readFirst(read);
    },
    enabled,
    refetchInterval: ({ state }) => refetchInterval(state.data?.read.map(({ output }) => output) ?? []),
  });
  const next = useMutation<Output, ApiError, string>({
    mutationFn: (cursor) => readOne(cursor),
    onSuccess: (output, cursor) =>
      client.setQueryData<ReadPages<Output>>(queryKey, (former) => append(former, cursor, output)),
  });
  const { data: read, refetch } = query;
  const { mutate } = next;
  const data = useMemo(() => read && { pages: read.read.map(({ output }) => output as OutputOf<Id>) }, [read]);
  const nextCursor = read?.read.at(-1)?.output.next_cursor ?? undefined;
  const isFetchNextPageError = next.isError && next.variables === nextCursor;
  return {
    data,
    error: query.error ?? (isFetchNextPageError ? next.error : null),
    isPending: query.isPending,
    isLoading: query.isLoading,
    isFetching: query.isFetching || next.isPending,
    isRefetching: query.isRefetching,
    hasNextPage: nextCursor !== undefined,
    isFetchingNextPage: next.isPending,
    isFetchNextPageError,
    fetchNextPage: useCallback(() => {
      if (nextCursor !== undefined) mutate(nextCursor);
    }, [nextCursor, mutate]),
    refetch,
  };
}

/** Calls an operation, and once more when its response was lost. The idempotency key makes the repetition safe. */
async function callTwice<Id extends OperationId>(id: Id, input: InputOf<Id>): Promise<OutputOf<Id>> {
  const idempotencyKey = crypto.randomUUID();
  try {
    return await call(id, input, { idempotencyKey });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 0) throw error;
    return call(id, input, { idempotencyKey });
  }
}

interface ActionOptions<Id extends OperationId> {
  /** Operations whose cached results the action changes. */
  changes: readonly OperationId[];
  onSuccess?: (output: OutputOf<Id>, input: InputOf<Id>) => void;
  /** Shows the error where the form is, instead of in a toast. */
  showsErrors?: boolean;
}

/** Runs an operation that changes something, then reads again what it changed. */
export function useAction<Id extends OperationId>(
  id: Id,
  { changes, onSuccess, showsErrors }: ActionOptions<Id>,
): UseMutationResult<OutputOf<Id>, ApiError, InputOf<Id>> {
  const client = useQueryClient();
  return useMutation<OutputOf<Id>, ApiError, InputOf<Id>>({
    mutationFn: (input) => callTwice(id, input),
    onSuccess: async (output, input) => {
      recordAct(changes, input, output);
      onSuccess?.(output, input);
      await Promise.all(changes.map((name) => client.invalidateQueries({ queryKey: [name] })));
    },
    onError: (error) => {
      if (!showsErrors) notifyError(error);
    },
  });
}
