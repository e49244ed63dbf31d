import { useState } from 'react';
import { useOperation } from '../../api/hooks.ts';
import { Time } from '../../components/format.tsx';
import type { ChosenKey } from './choose-key.tsx';

/** Milliseconds between looks for the first call. */
const POLL_MS = 2_000;

/**
 * Renders a light that turns green when the chosen key, or any key while none is chosen, makes its next call. Calls are compared by id,
 * not by time: the clock of the browser may be wrong.
 */
export function FirstCall({ chosen }: { chosen: ChosenKey | undefined }) {
  const calls = useOperation(
    'user.requests',
    { limit: 1, ...(chosen && { key_id: chosen.id }) },
    { refetchInterval: POLL_MS },
  );
  const newest = calls.data?.results[0];
  const scope = chosen?.id ?? 'any';
  // The newest call when the page was opened, or when the key was chosen. A key that was just made had none.
  const [before, setBefore] = useState<{ scope: string; id: string | undefined }>();
  if (calls.data && before?.scope !== scope) setBefore({ scope, id: chosen?.secret ? undefined : newest?.id });
  const call = before?.scope === scope && newest?.id !== before.id ? newest : undefined;
  if (!call) {
    return (
      <div className="light" role="status">
        <span className="lamp" aria-hidden />
        <span>
          Waiting for the first call{chosen ? ` of ${chosen.name}` : ''} … Nothing after a minute? Restart the client:
          many read their configuration only when they start.
        </span>
      </div>
    );
  }
  return (
    <div className={call.status < 400 ? 'light on' : 'light failed'} role="status">
      <span className="lamp" aria-hidden />
      <span>
        <strong>{call.status < 400 ? 'Connected.' : 'Connected, and rejected.'}</strong>{' '}
        {call.client ?? call.key_name ?? 'A client'} called <code>{call.endpoint}</code> <Time iso={call.at} />
        {call.status >= 400 && `: ${call.status} ${call.code ?? ''}`}.
      </span>
    </div>
  );
}
