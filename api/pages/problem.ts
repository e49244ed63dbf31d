import { PROBLEMS, type Problem } from '../errors.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/** Renders an error as a page: the cause, what to do, and the request id. */
export function problemPage(problem: Problem, requestId: string): string {
  const [status, title, advice] = PROBLEMS[problem.code];
  const body = html`
<div class="card">
<p class="fine">${status}</p>
<h1>${title}</h1>
<p>${problem.data.detail ?? advice}</p>
<p class="actions"><a class="button" href="/">Go to the home page</a></p>
<p class="fine">If you contact us about this error, include the request id <code>${requestId}</code>.</p>
</div>`;
  return page({ title, body, width: 'narrow' });
}
