// Applies the chosen theme before the first paint. Without a choice, the theme of the system applies.
try {
  const theme = localStorage.getItem('wm-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the theme of the system applies.
}
