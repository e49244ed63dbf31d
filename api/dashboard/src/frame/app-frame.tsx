import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { BookOpen, LogOut, Menu as MenuIcon, Monitor, Moon, Search, Sun, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Dialog, Modal, ModalOverlay, RouterProvider } from 'react-aria-components';
import iconUrl from '../../../pages/icon.svg';
import { Button } from '../components/button.tsx';
import { Toasts } from '../components/toasts.tsx';
import { CommandPalette } from './command-palette.tsx';
import { NavLink } from './nav-link.tsx';
import { useNavigation } from './navigation.ts';
import { currentTheme, setTheme, type Theme } from './theme.ts';

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
/** The next theme when the button is pressed, and what it shows. */
const THEMES: Record<Theme, { next: Theme; label: string; icon: typeof Sun }> = {
  system: { next: 'light', label: 'Theme: system', icon: Monitor },
  light: { next: 'dark', label: 'Theme: light', icon: Sun },
  dark: { next: 'system', label: 'Theme: dark', icon: Moon },
};

/** Start of a path that names a screen with the path of the dashboard. */
const IN_APP = /^\/app(?=[/?#]|$)/;

/** Returns whether a link leaves the dashboard: to another page or a file of this service, or to another host. */
function isOutside(to: string): boolean {
  return !to.startsWith('/') || /^\/(api|assets|auth|docs|legal|login)(?=[/?#]|$)/.test(to);
}

/** Renders the frame of every screen: navigation, command palette, toasts, and the screen itself. */
export function AppFrame() {
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const firstPath = useRef(path);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      setPaletteOpen((isOpen) => !isOpen);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  // A new screen is announced: the focus moves to it, as it does when a page is loaded.
  useEffect(() => {
    setMenuOpen(false);
    if (firstPath.current === path) return;
    firstPath.current = '';
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <RouterProvider
      navigate={(to) => (isOutside(to) ? location.assign(to) : navigate({ to: to.replace(IN_APP, '') || '/' }))}
      useHref={(to) => (isOutside(to) || IN_APP.test(to) ? to : `/app${to}`)}
    >
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top-bar">
        <Button variant="icon" aria-label="Menu" onPress={() => setMenuOpen(true)}>
          <MenuIcon size={20} aria-hidden />
        </Button>
        <Brand />
        <Button variant="icon" aria-label="Search commands" onPress={() => setPaletteOpen(true)}>
          <Search size={20} aria-hidden />
        </Button>
      </header>
      <aside className="sidebar">
        <Brand />
        <Sidebar onPalette={() => setPaletteOpen(true)} />
      </aside>
      <ModalOverlay isOpen={isMenuOpen} onOpenChange={setMenuOpen} isDismissable className="overlay drawer-overlay">
        <Modal className="drawer">
          <Dialog aria-label="Menu" className="drawer-content">
            <div className="drawer-head">
              <Brand />
              <Button variant="icon" slot="close" aria-label="Close the menu">
                <X size={20} aria-hidden />
              </Button>
            </div>
            <Sidebar onPalette={() => setPaletteOpen(true)} />
          </Dialog>
        </Modal>
      </ModalOverlay>
      <main id="main" ref={main} tabIndex={-1} className="main">
        <Outlet />
      </main>
      <CommandPalette isOpen={isPaletteOpen} onOpenChange={setPaletteOpen} />
      <Toasts />
    </RouterProvider>
  );
}

function Brand() {
  return (
    <a className="brand" href="/">
      <img src={iconUrl} alt="" width="26" height="26" />
      WhiteMagic
    </a>
  );
}

function Sidebar({ onPalette }: { onPalette: () => void }) {
  const navigation = useNavigation();
  const [theme, setShownTheme] = useState(currentTheme);
  const { next, label, icon: ThemeIcon } = THEMES[theme];
  return (
    <>
      <Button onPress={onPalette} aria-keyshortcuts={isMac ? 'Meta+K' : 'Control+K'}>
        <Search size={16} aria-hidden />
        <span className="grow">Go to …</span>
        <kbd>{isMac ? '⌘ K' : 'Ctrl K'}</kbd>
      </Button>
      <nav aria-label="Screens">
        {navigation.map(({ to, label: name, icon: Icon }) => (
          <NavLink key={to} to={to}>
            <Icon size={18} aria-hidden />
            {name}
          </NavLink>
        ))}
      </nav>
      <div className="sidebar-end">
        <a className="nav-link" href="/docs">
          <BookOpen size={18} aria-hidden />
          Docs
        </a>
        <button
          type="button"
          className="nav-link"
          onClick={() => {
            setTheme(next);
            setShownTheme(next);
          }}
        >
          <ThemeIcon size={18} aria-hidden />
          {label}
        </button>
        <form method="post" action="/auth/logout">
          <button type="submit" className="nav-link">
            <LogOut size={18} aria-hidden />
            Sign out
          </button>
        </form>
      </div>
    </>
  );
}
