// The search of the documentation: its index and the library are loaded when it is first opened.
const button = document.querySelector('[data-find]');
const RESULTS_MAX = 12;
const EXCERPT = 150;

let dialog;
let input;
let list;
let status;
let search;

/** Loads the sections and indexes them. */
async function load() {
  const [{ default: MiniSearch }, response] = await Promise.all([
    import(button.dataset.engine),
    fetch(button.dataset.index),
  ]);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const sections = await response.json();
  const index = new MiniSearch({
    fields: ['heading', 'page', 'text'],
    searchOptions: { boost: { heading: 4, page: 2 }, prefix: true, fuzzy: (term) => (term.length > 3 ? 0.2 : false) },
  });
  index.addAll(sections.map((section, id) => ({ id, ...section })));
  return (query) => {
    const all = index.search(query, { combineWith: 'AND' });
    const hits = all.length > 0 ? all : index.search(query);
    return hits.map(({ id, terms }) => ({ ...sections[id], terms }));
  };
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** The part of a text around the first hit, with the hits marked. */
function excerpt(text, terms) {
  const pattern = new RegExp(`(${terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'giu');
  const first = Math.max(0, text.search(pattern));
  const start = first < 60 ? 0 : text.lastIndexOf(' ', first - 40) + 1;
  const part = `${start > 0 ? '… ' : ''}${text.slice(start, start + EXCERPT)}${text.length > start + EXCERPT ? ' …' : ''}`;
  return part.split(pattern).map((piece, i) => (i % 2 === 1 ? element('mark', { textContent: piece }) : piece));
}

function show(query) {
  if (!search) return;
  const hits = query.trim() ? search(query) : [];
  const shown = hits.slice(0, RESULTS_MAX);
  list.replaceChildren(
    ...shown.map(({ page, heading, path, text, terms }) =>
      element(
        'li',
        {},
        element(
          'a',
          { href: path },
          element('strong', { textContent: heading }),
          ...(heading === page ? [] : [element('span', { className: 'page', textContent: page })]),
          element('span', { className: 'excerpt' }, ...excerpt(text, terms)),
        ),
      ),
    ),
  );
  if (!query.trim()) status.textContent = '';
  else if (hits.length === 0) status.textContent = 'Nothing found. Try fewer or other words.';
  else status.textContent = hits.length === 1 ? '1 result' : `${hits.length} results`;
}

/** Moves the focus between the field and the results. */
function move(event) {
  const links = [...list.querySelectorAll('a')];
  const index = links.indexOf(document.activeElement);
  if (event.key === 'ArrowDown' && index < links.length - 1) links[index + 1].focus();
  else if (event.key === 'ArrowUp' && index > 0) links[index - 1].focus();
  else if (event.key === 'ArrowUp' && index === 0) input.focus();
  // A search field keeps Escape to clear itself.
  else if (event.key === 'Escape') dialog.close();
  else if (event.key === 'Enter' && index === -1 && links.length > 0) links[0].click();
  else return;
  event.preventDefault();
}

function build() {
  input = element('input', { type: 'search', placeholder: 'Search the documentation', autocomplete: 'off' });
  input.setAttribute('aria-label', 'Search the documentation');
  input.setAttribute('spellcheck', 'false');
  status = element('p', { className: 'fine' });
  status.setAttribute('role', 'status');
  list = element('ul');
  dialog = element('dialog', { className: 'finder' }, input, status, list);
  dialog.setAttribute('aria-label', 'Search');
  input.addEventListener('input', () => show(input.value));
  dialog.addEventListener('keydown', move);
  dialog.addEventListener('click', (event) => {
    // A click beside the dialog, or on a result of the same page, closes it.
    if (event.target === dialog || event.target.closest('a')) dialog.close();
  });
  document.body.append(dialog);
}

async function open() {
  if (!dialog) build();
  if (!dialog.open) dialog.showModal();
  input.select();
  if (search) return;
  status.textContent = 'Loading …';
  try {
    search = await load();
    show(input.value);
  } catch {
    status.textContent = 'The search could not be loaded. Close it and try again.';
  }
}

button.hidden = false;
button.addEventListener('click', open);
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, select, [contenteditable]');
  const isSlash = event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isCommand = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
  if (!isSlash && !isCommand) return;
  event.preventDefault();
  open();
});
