import { PROBLEMS, type Problem } from '../errors.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/** A refusal, for people: what is wrong, what to do, and what to tell us. */
export function problemPage(problem: Problem, requestId: string): string {
  const [status, title, advice] = PROBLEMS[problem.code];
  const body = html`
<div class="card">
<p class="fine">${status}</p>
<h1>${title}</h1>
<p>${problem.data.detail ?? advice}</p>
<p class="actions"><a class="button" href="/">To the start</a></p>
<p class="fine">If you write to us about it, name the request <code>${requestId}</code>.</p>
</div>`;
  return page({ title, body, width: 'narrow' });
}
