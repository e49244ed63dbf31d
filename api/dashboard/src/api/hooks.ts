import {
  type InfiniteData,
  keepPreviousData,
  QueryClient,
  type QueryKey,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import type { OperationId } from '../../../contracts/index.ts';
import { notifyError } from '../components/toasts.tsx';
import { ApiError, call, type InputOf, type OutputOf } from './client.ts';

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

/** An output with a cursor to its next page. */
interface Page {
  next_cursor?: string | null | undefined;
}

/** Reads an operation page by page. `data.pages` has the pages so far; `fetchNextPage()` reads the next one. */
export function useOperationPages<Id extends OperationId>(id: Id, input: InputOf<Id>, { enabled = true } = {}) {
  return useInfiniteQuery<
    OutputOf<Id>,
    ApiError,
    InfiniteData<OutputOf<Id>, string | undefined>,
    QueryKey,
    string | undefined
  >({
    queryKey: [id, 'pages', input],
    queryFn: ({ signal, pageParam }) =>
      call(id, { ...(input as object), ...(pageParam && { cursor: pageParam }) } as InputOf<Id>, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => (last as Page).next_cursor ?? undefined,
    enabled,
  });
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
      onSuccess?.(output, input);
      await Promise.all(changes.map((name) => client.invalidateQueries({ queryKey: [name] })));
    },
    onError: (error) => {
      if (!showsErrors) notifyError(error);
    },
  });
}
