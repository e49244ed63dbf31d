export type Theme = 'system' | 'light' | 'dark';

/** Key in the local storage; `public/theme.js` applies it before the first paint. */
const STORED = 'wm-theme';

/** Returns the chosen theme. */
export function currentTheme(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Applies a theme and remembers it in this browser. */
export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Storage is blocked: the choice holds until the page is left.
  }
}
