import { Navigate } from '@tanstack/react-router';
import { useOperation } from '../../api/hooks.ts';
import { Loaded } from '../../components/screen.tsx';

/** Opens the first screen: Connect in an account that was never called, else Home. */
export function StartScreen() {
  const overview = useOperation('user.overview', {});
  return (
    <Loaded result={overview}>
      {({ memories, requests }) => (
        <Navigate to={requests.length === 0 && !memories?.length ? '/connect' : '/home'} replace />
      )}
    </Loaded>
  );
}
