import createDOMPurify from 'dompurify';
import { Marked } from 'marked';

const marked = new Marked({ gfm: true, breaks: true });
const purify = createDOMPurify(window);

const ALLOWED_TAGS = [
  ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'pre', 'code', 'ul', 'ol', 'li', 'a'],
  ...['strong', 'em', 'b', 'i', 'del', 's', 'sub', 'sup', 'kbd', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ...['details', 'summary', 'span', 'div', 'input'],
];
const ALLOWED_ATTR = ['href', 'title', 'start', 'align', 'type', 'checked', 'disabled', 'open'];

/** The schemes of links; `data:` and `javascript:` are none of them. */
const ALLOWED_URI = /^(?:https?:|mailto:|#)/i;

purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A' && node.hasAttribute('href')) {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer nofollow');
  }
  // Task lists have disabled checkboxes; no other input is shown.
  if (node.tagName === 'INPUT') {
    if (node.getAttribute('type') !== 'checkbox') node.remove();
    else {
      node.setAttribute('disabled', '');
      node.setAttribute('aria-label', node.hasAttribute('checked') ? 'Done' : 'Not done');
    }
  }
  // A wide table or code block scrolls, also by keyboard.
  if (node.tagName === 'PRE') node.setAttribute('tabindex', '0');
});

/** Converts Markdown to HTML that is safe to insert. An image becomes its alternative text, so that nothing is loaded from elsewhere. */
export function renderMarkdown(text: string): string {
  const html = marked.parse(text, { async: false });
  return purify.sanitize(html, {
    ALLOWED_TAGS,
    ALLOWED_ATTR,
    ALLOWED_URI_REGEXP: ALLOWED_URI,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}

marked.use({
  // The title of the screen is its only first heading.
  walkTokens(token) {
    if (token.type === 'heading') token.depth = Math.min(6, token.depth + 1);
  },
  renderer: {
    // HTML of a memory is shown, not interpreted: even a parser that runs nothing would report it to the console.
    html({ text }) {
      return escapeHtml(text);
    },
    image({ text, href }) {
      const label = text || href;
      return `<span>[image: ${escapeHtml(label)}]</span>`;
    },
  },
});

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
