import { PROBLEMS } from '../errors.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';

/** Renders `/docs/errors`, which explains every error code. The `type` of a problem document refers to its row. */
export function errorReferencePage(): string {
  const body = html`
<h1>Error codes</h1>
<p>Every error is a problem document (RFC 9457); at <code>/mcp</code> it is the <code>data</code> of a JSON-RPC error. Its <code>code</code> is one of these.</p>
<div class="table"><table>
<thead><tr><th>Code</th><th>Status</th><th>Meaning</th><th>What to do</th></tr></thead>
<tbody>
${Object.entries(PROBLEMS).map(errorRow)}
</tbody>
</table></div>`;
  const description = 'Every error code of the WhiteMagic API: its status, its meaning, and what to do.';
  return page({ title: 'Error codes', body, description, width: 'wide' });
}

function errorRow([code, [status, title, advice]]: [string, readonly [number, string, string]]): Html {
  return html`<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}.</td><td>${withCode(advice)}</td></tr>
`;
}

/** Renders the parts between backticks as code. */
function withCode(text: string): (Html | string)[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}
