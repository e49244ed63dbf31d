import type { Config } from '../config.ts';
import { listPlans } from '../limits/plans.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';

type Plan = ReturnType<typeof listPlans>['results'][number];

export interface HomeOptions {
  /** Checkout URLs by plan name; a plan without one has no buy button. */
  checkouts: Partial<Record<Plan['name'], string>>;
  /** Whether the sign-in with Whop is configured. */
  hasSignIn: boolean;
  /** Contact address for custom plans. */
  supportEmail: string | undefined;
  /** Source of vectors, which decides the languages that are compared by meaning. */
  embedder: Config['embedder'];
}

/** The use of each language in searches, by the source of vectors. */
const LANGUAGES = {
  local: 'Memories in every language are found by their words; those in English also by their meaning.',
  openai:
    'Memories in every language are found by their words, and by their meaning in the languages of the embedding model that this service uses.',
  none: 'Memories in every language are found by their words.',
} satisfies Record<Config['embedder'], string>;

/** Renders the home page: product, plans and first steps. */
export function homePage({ checkouts, hasSignIn, supportEmail, embedder }: HomeOptions): string {
  const plans = listPlans().results;
  const body = html`
<section class="hero">
<div>
<h1>A memory for your AI&nbsp;agents</h1>
<p class="lead">WhiteMagic keeps what your coding agent learns and finds it again in the next session. Claude Code, Cursor, VS&nbsp;Code and Codex reach it over MCP, your own programs over REST. Create a key, add one line to your client, and your agent remembers.</p>
<p class="actions"><a class="button" href="#plans">Choose a plan</a>
${hasSignIn && html`<a class="button quiet" href="/auth/whop">Sign in with Whop</a>`}</p>
</div>
<figure class="example" aria-label="An example of two sessions">
<p class="when">Monday</p>
<p class="said">Remember that we deploy on Fridays.</p>
<p class="reply">Stored, for this project.</p>
<p class="when">Thursday, a new session</p>
<p class="said">Can this go out today?</p>
<p class="reply">Tomorrow: you deploy on Fridays.</p>
</figure>
</section>
<section aria-labelledby="how">
<h2 id="how">Running in five minutes</h2>
<ol class="steps">
<li><strong>Choose a plan.</strong> You pay at Whop and return here.</li>
<li><strong>Open your activation link.</strong> It is also sent by e-mail, and shows your API key once.</li>
<li><strong>Paste one line.</strong> The page shows it for each client.</li>
</ol>
</section>
<section aria-labelledby="plans">
<h2 id="plans">Plans</h2>
<ul class="plans">
${plans.map((plan) => planCard(plan, checkouts[plan.name], supportEmail))}
</ul>
${Object.keys(checkouts).length === 0 && html`<p class="fine">This server sells no plans: ask its operator for an account.</p>`}
<p class="fine">${LANGUAGES[embedder]}</p>
<p class="fine">A day ends at midnight UTC. Cancel at any time on Whop; you can still read and export your memories afterwards.</p>
</section>
<section aria-labelledby="docs">
<h2 id="docs">Documentation</h2>
<ul class="links">
<li><a href="/docs/quickstart">Quickstart</a><span>From a key to a memory that the next session finds.</span></li>
<li><a href="/docs">Guides</a><span>Memories, search, context packages, limits, keys.</span></li>
<li><a href="/docs/mcp-tools">MCP tools</a><span>What your agent can call, with every argument.</span></li>
<li><a href="/docs/api">API reference</a><span>Every operation, with samples in three languages.</span></li>
<li><a href="/docs/errors">Errors</a><span>The meaning of each code, and what to do.</span></li>
<li><a href="/legal/privacy">Privacy</a><span>The data that we store, for how long, and who sees it.</span></li>
</ul>
</section>`;
  const description = 'A hosted memory for AI agents, over MCP and REST: plans, prices and how to begin.';
  return page({ title: 'WhiteMagic', body, description, width: 'wide' });
}

function planCard(plan: Plan, checkout: string | undefined, supportEmail: string | undefined): Html {
  const [amount, period] = plan.price.split(' a ');
  const number = (value: number) => value.toLocaleString('en-US');
  return html`<li class="plan${plan.name === 'pro' ? ' best' : ''}" aria-labelledby="plan-${plan.name}">
<h3 id="plan-${plan.name}">${capitalized(plan.name)}</h3>
<p class="price"><strong>${capitalized(amount ?? '')}</strong>${period ? html` <span>a ${period}</span>` : undefined}</p>
<p class="purpose">${plan.purpose}</p>
<ul>
<li><b>${number(plan.requests_per_day)}</b> calls a day</li>
<li><b>${number(plan.requests_per_minute)}</b> calls a minute</li>
<li><b>${bytes(plan.storage_bytes)}</b> of memories</li>
<li>${plan.transports.includes('rest') ? 'MCP and REST' : 'MCP'}</li>
${plan.webhooks && html`<li>Outgoing webhooks</li>`}
<li>${plan.support}</li>
</ul>
${buttonOf(plan, checkout, supportEmail)}
</li>`;
}

function buttonOf({ name, price }: Plan, checkout: string | undefined, supportEmail: string | undefined): Html | false {
  if (checkout) {
    const label = price === '$0' ? 'Start free' : `Get ${capitalized(name)}`;
    return html`<a class="button${name === 'pro' ? '' : ' quiet'}" href="${checkout}">${label}</a>`;
  }
  return (
    price === 'custom' &&
    supportEmail !== undefined &&
    html`<a class="button quiet" href="mailto:${supportEmail}?subject=%5B${name}%5D%20WhiteMagic">Talk to us</a>`
  );
}

function bytes(value: number): string {
  return value >= 1_000_000_000 ? `${value / 1_000_000_000} GB` : `${value / 1_000_000} MB`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
