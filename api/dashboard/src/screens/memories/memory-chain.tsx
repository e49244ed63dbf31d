import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ApiError, call } from '../../api/client.ts';
import { Badge } from '../../components/feedback.tsx';
import { Time } from '../../components/format.tsx';
import type { Memory } from './memory-facts.tsx';

/** Memories that are shown in each direction. */
const STEPS_MAX = 10;
/** Tokens of each: enough for its title. */
const CHAIN_TOKENS = 1_000;

/** Renders what this memory supersedes, and what supersedes it, newest first. */
export function MemoryChain({ memory }: { memory: Memory }) {
  const { id, supersedes, superseded_by, version } = memory;
  const chain = useQuery({
    queryKey: ['memories.get', 'chain', id, version, supersedes, superseded_by],
    queryFn: async ({ signal }) => {
      const [newer, older] = await Promise.all([
        follow(superseded_by, ({ superseded_by: next }) => next, signal),
        follow(supersedes, ({ supersedes: next }) => next, signal),
      ]);
      return [...newer.reverse(), memory, ...older];
    },
    enabled: supersedes !== null || superseded_by !== null,
  });
  if (!chain.data || chain.data.length < 2) return null;
  return (
    <section className="panel" aria-label="What superseded what">
      <h2>What superseded what</h2>
      <ol className="chain">
        {chain.data.map((one) => (
          <li key={one.id} aria-current={one.id === id || undefined}>
            <Link to="/memories/$id" params={{ id: one.id }} className="clipped">
              {one.title}
            </Link>
            {one.id === id && <Badge kind="accent">This one</Badge>}
            <span className="detail">
              <Time iso={one.created_at} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

async function follow(
  first: string | null,
  next: (memory: Memory) => string | null,
  signal: AbortSignal,
): Promise<Memory[]> {
  const found: Memory[] = [];
  for (let id = first; id !== null && found.length < STEPS_MAX; ) {
    const memory = await call('memories.get', { id, max_tokens: CHAIN_TOKENS }, { signal }).catch(gone);
    if (!memory || found.some((one) => one.id === memory.id)) break;
    found.push(memory);
    id = next(memory);
  }
  return found;
}

/** A memory of the chain may be deleted for good. */
function gone(error: unknown): undefined {
  if (error instanceof ApiError && error.code === 'not_found') return undefined;
  throw error;
}
