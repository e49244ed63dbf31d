// Makes the tabs of samples work, and fills in a key that was created in this tab.
const root = document.documentElement;
const tabs = [...document.querySelectorAll('[role=tab]')];
const panels = [...document.querySelectorAll('.sample')];

for (const panel of panels) {
  panel.setAttribute('role', 'tabpanel');
  panel.setAttribute('aria-labelledby', `${panel.id}-tab`);
}

function select(language) {
  if (!tabs.some((tab) => tab.dataset.language === language)) return;
  root.dataset.language = language;
  for (const tab of tabs) {
    const isSelected = tab.dataset.language === language;
    tab.setAttribute('aria-selected', String(isSelected));
    tab.tabIndex = isSelected ? 0 : -1;
  }
}

/** Selects a language on all pages. The tab stays where it is in the window, whatever the heights of the samples above it. */
function choose(tab) {
  const before = tab.getBoundingClientRect().top;
  select(tab.dataset.language);
  window.scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: 'instant' });
  try {
    localStorage.setItem('wm-docs-language', tab.dataset.language);
  } catch {
    // Storage is blocked: the choice lasts until the next page.
  }
}

/** The tab that a key moves to, among those of one group. */
function neighbor(tab, key) {
  const group = [...tab.parentElement.children];
  const index = group.indexOf(tab);
  const targets = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: group.length - 1 };
  return key in targets ? group.at(targets[key] % group.length) : undefined;
}

for (const tab of tabs) {
  tab.addEventListener('click', () => choose(tab));
  tab.addEventListener('keydown', (event) => {
    const target = neighbor(tab, event.key);
    if (!target) return;
    event.preventDefault();
    choose(target);
    target.focus();
  });
}
select(root.dataset.language);
if (tabs.length > 0 && !tabs.some((tab) => tab.getAttribute('aria-selected') === 'true')) select('sh');

// The dashboard keeps a key that it has just shown in this tab. The service has only its digest.
try {
  const key = sessionStorage.getItem('wm-new-key');
  if (key && /^wm_[a-z]+_[0-9A-Za-z]+$/.test(key)) {
    for (const place of document.querySelectorAll('[data-key]')) {
      place.textContent = key;
      place.title = 'The key that you created in this tab';
    }
  }
} catch {
  // Storage is blocked: the placeholder stays.
}

// Marks the section in view in the table of contents.
const entries = new Map(
  [...document.querySelectorAll('.contents a')].map((link) => [decodeURIComponent(link.hash.slice(1)), link]),
);
const headings = [...document.querySelectorAll('.prose h2, .prose h3')].filter(({ id }) => entries.has(id));
function mark() {
  const current = headings.findLast((heading) => heading.getBoundingClientRect().top < 120) ?? headings[0];
  for (const [id, link] of entries) {
    if (id === current?.id) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}
if (headings.length > 0) {
  let planned = false;
  addEventListener(
    'scroll',
    () => {
      if (planned) return;
      planned = true;
      requestAnimationFrame(() => {
        planned = false;
        mark();
      });
    },
    { passive: true },
  );
  mark();
}
