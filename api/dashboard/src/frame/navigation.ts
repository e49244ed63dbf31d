import { CircleUser, Library, type LucideIcon, Plug } from 'lucide-react';

export interface NavigationItem {
  /** Path below `/app`. */
  to: string;
  label: string;
  icon: LucideIcon;
  /** Other words under which the command palette finds it. */
  keywords?: string;
}

/** Screens in the order of the sidebar. The command palette lists them too. */
export const NAVIGATION: readonly NavigationItem[] = [
  { to: '/connect', label: 'Connect', icon: Plug, keywords: 'client setup cursor claude code mcp' },
  { to: '/memories', label: 'Memories', icon: Library, keywords: 'browse search timeline tags projects duplicates' },
  {
    to: '/account',
    label: 'Account',
    icon: CircleUser,
    keywords: 'plan billing invoices export sessions delete audit',
  },
];
