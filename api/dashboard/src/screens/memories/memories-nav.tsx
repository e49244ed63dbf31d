import { Link } from '@tanstack/react-router';

const PAGES = [
  { to: '/memories', label: 'All' },
  { to: '/memories/tags', label: 'Tags' },
  { to: '/memories/projects', label: 'Projects' },
  { to: '/memories/duplicates', label: 'Near-duplicates' },
  { to: '/memories/consolidate', label: 'Consolidate' },
  { to: '/memories/context', label: 'Context preview' },
  { to: '/memories/import', label: 'Import' },
] as const;

/** Renders the links between the screens on memories. */
export function MemoriesNav() {
  return (
    <nav aria-label="Memories" className="sub-nav">
      {PAGES.map(({ to, label }) => (
        <Link key={to} to={to} activeOptions={{ exact: true, includeSearch: false }} className="sub-nav-link">
          {label}
        </Link>
      ))}
    </nav>
  );
}
