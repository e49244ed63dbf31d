// Runs before the page is drawn, so that samples do not jump: shows the chosen language of samples, the others as tabs.
// Without scripts, all languages are shown one below the other.
try {
  document.documentElement.dataset.language = localStorage.getItem('wm-docs-language') ?? 'sh';
} catch {
  // Storage is blocked: the choice lasts until the next page.
  document.documentElement.dataset.language = 'sh';
}
