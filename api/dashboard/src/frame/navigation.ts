import {
  BarChart3,
  CircleUser,
  Home,
  KeyRound,
  Library,
  type LucideIcon,
  Plug,
  ScrollText,
  ShieldCheck,
  Webhook,
} from 'lucide-react';
import { useOperation } from '../api/hooks.ts';

export interface NavigationItem {
  /** Path below `/app`. */
  to: string;
  label: string;
  icon: LucideIcon;
  /** Other words under which the command palette finds it. */
  keywords?: string;
  /** Shown to operators of the service only. */
  isForOperator?: boolean;
}

/** Screens in the order of the sidebar. The command palette lists them too. */
const NAVIGATION: readonly NavigationItem[] = [
  { to: '/home', label: 'Home', icon: Home, keywords: 'overview start today attention' },
  { to: '/connect', label: 'Connect', icon: Plug, keywords: 'client setup cursor claude code mcp' },
  { to: '/memories', label: 'Memories', icon: Library, keywords: 'browse search timeline tags projects duplicates' },
  { to: '/keys', label: 'Keys', icon: KeyRound, keywords: 'api key token rotate revoke scopes' },
  { to: '/usage', label: 'Usage', icon: BarChart3, keywords: 'calls quota limit plan billing upgrade csv storage' },
  { to: '/requests', label: 'Request log', icon: ScrollText, keywords: 'calls errors history log status' },
  { to: '/webhooks', label: 'Webhooks', icon: Webhook, keywords: 'events deliveries endpoint secret replay' },
  {
    to: '/account',
    label: 'Account',
    icon: CircleUser,
    keywords: 'plan billing invoices export sessions delete audit',
  },
  {
    to: '/admin',
    label: 'Administration',
    icon: ShieldCheck,
    keywords: 'operator accounts webhooks jobs',
    isForOperator: true,
  },
];

/** Returns the screens that this user may open, in the order of the sidebar. */
export function useNavigation(): readonly NavigationItem[] {
  const { data } = useOperation('user.me', {});
  return NAVIGATION.filter(({ isForOperator }) => !isForOperator || data?.is_operator);
}
