import { useOperation } from '../../api/hooks.ts';
import { Time } from '../../components/format.tsx';
import type { ChosenKey } from './choose-key.tsx';

/** Milliseconds between looks for the first call. */
const POLL_MS = 2_000;

/** Renders a light that turns green when the chosen key, or any key while none is chosen, makes its first call. */
export function FirstCall({ chosen }: { chosen: ChosenKey | undefined }) {
  const keys = useOperation('keys.list', {}, { refetchInterval: POLL_MS });
  const used = (keys.data?.results ?? [])
    .filter(({ id, last_used_at: at }) => at !== null && (!chosen || (id === chosen.id && at !== chosen.usedBefore)))
    .sort((a, b) => String(b.last_used_at).localeCompare(String(a.last_used_at)))[0];
  return (
    <div className={used ? 'light on' : 'light'} role="status">
      <span className="lamp" aria-hidden />
      {used?.last_used_at ? (
        <span>
          <strong>Connected.</strong> {used.name} called <Time iso={used.last_used_at} />.
        </span>
      ) : (
        <span>
          Waiting for the first call{chosen ? ` of ${chosen.name}` : ''} … Nothing after a minute? Restart the client:
          many read their configuration only when they start.
        </span>
      )}
    </div>
  );
}
