import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** Renders a link of the navigation, marked while its screen, or one below it, is shown. */
export function NavLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className="nav-link" activeOptions={{ exact: to === '/' }} activeProps={{ 'aria-current': 'page' }}>
      {children}
    </Link>
  );
}
