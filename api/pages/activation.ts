import { type ClientSetup, clientSetups, setupCommand } from '../../mcp/client-setup/texts.ts';
import { ACTIVATION_LINK_DAYS, type ActivationLinkState } from '../keys/activation-links.ts';
import { VERSION } from '../version.ts';
import { type Html, html } from './html.ts';
import { page, TERMS_LINKS } from './layout.ts';

/** Renders the page of an activation link: a button while the link is open, otherwise the reason and a link to request a new one. */
export function claimPage(token: string, state: ActivationLinkState): string {
  if (state !== 'open') return deadClaimPage(state);
  const body = html`
<div class="card">
<h1>Create your API key</h1>
<p>Your key is <strong>shown only once</strong>, because we store only its fingerprint. Save it in a safe place.</p>
<form method="post" action="/claim/${token}"><button class="button large" type="submit">Show my API key</button></form>
<p class="fine">By creating the key you accept the ${TERMS_LINKS}.</p>
<p class="fine">This activation link works once and expires after ${ACTIVATION_LINK_DAYS} days.</p>
</div>`;
  return page({ title: 'Your API key', body, width: 'narrow' });
}

/** Renders the new key and the configuration for each client. */
export function keyPage(apiKey: string, publicUrl: string, replacedKeys: number): string {
  const body = html`
<h1>Here is your API key</h1>
<p class="lead">Save it now: it is not shown again.${replacedKeys > 0 && ' The earlier one, which was never used, no longer works.'}</p>
${copyable('key', apiKey, 'API key')}
<h2>Connect a client</h2>
${setupStep(publicUrl)}
<p>Or add one of these by hand, restart the client, and say: <em>remember that we deploy on Fridays.</em></p>
${clientSetups({ url: publicUrl, apiKey, version: VERSION }).map(clientStep)}
<p class="fine">In a file of a project, use an environment variable for the key, so that it is never committed. If a key leaks, revoke it: <code>DELETE /api/v1/user/keys/{id}</code>.</p>`;
  return page({ title: 'Here is your API key', body, copies: true });
}

/** Renders the page that a browser gets at the address of the MCP server: how to add it to a client. */
export function connectPage(publicUrl: string): string {
  const body = html`
<h1>Connect your agent</h1>
<p class="lead">This is the address of an MCP server.</p>
${setupStep(publicUrl)}
<p>Or add it by hand, with your API key in place of <code>${KEY_PLACEHOLDER}</code>:</p>
${clientSetups({ url: publicUrl, apiKey: KEY_PLACEHOLDER, version: VERSION }).map(clientStep)}
<p>No key yet, or lost? <a href="/claim/new">Get an activation link</a> for your account, or <a href="/">see the plans</a>.</p>`;
  return page({ title: 'Connect your agent', body, copies: true });
}

const KEY_PLACEHOLDER = 'YOUR_API_KEY';

/**
 * Renders `/claim/new`, the form that requests a new activation link.
 * @param hasSignIn whether to offer the sign-in with Whop
 * @param rejected the rejected address, with the reason
 */
export function newClaimPage(hasSignIn: boolean, rejected?: { email: string; reason: string }): string {
  const body = html`
<div class="card">
<h1>Get a new activation link</h1>
<p>Enter the e-mail address of your purchase. We send you a link to create an API key.</p>
<form method="post" action="/claim/new">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="email" maxlength="254" required value="${rejected?.email ?? ''}"${
    rejected && html` aria-invalid="true" aria-describedby="email-error"`
  }>
${rejected && html`<p id="email-error" class="error">${rejected.reason}</p>`}
<button class="button large" type="submit">Send the link</button>
</form>
${hasSignIn && html`<p class="fine">Or <a href="/auth/whop">sign in with Whop</a>.</p>`}
</div>`;
  return page({ title: 'Get a new activation link', body, width: 'narrow' });
}

/** Renders the response to a request of a new link. It is the same whether or not an account has this address. */
export function newClaimSentPage(): string {
  const body = html`
<div class="card">
<h1>Check your e-mail</h1>
<p>If an account has this address, we have sent it an activation link. It works once and expires after ${ACTIVATION_LINK_DAYS} days.</p>
<p class="fine">No e-mail after a few minutes? Check your spam folder, or try the e-mail address of your Whop account.</p>
</div>`;
  return page({ title: 'Check your e-mail', body, width: 'narrow' });
}

const DEAD: Record<Exclude<ActivationLinkState, 'open'>, { title: string; reason: string }> = {
  used: {
    title: 'This link has been used',
    reason:
      'It, or a later link, was used to create a key, which was shown once. If you have lost the key, get a new link and create another.',
  },
  expired: {
    title: 'This link has expired',
    reason: `A link works for ${ACTIVATION_LINK_DAYS} days. You can get a new one.`,
  },
  unknown: {
    title: 'This link does not work',
    reason: 'It may be incomplete or too old. You can get a new one.',
  },
};

function deadClaimPage(state: Exclude<ActivationLinkState, 'open'>): string {
  const { title, reason } = DEAD[state];
  const body = html`
<div class="card">
<h1>${title}</h1>
<p>${reason}</p>
<p class="actions"><a class="button large" href="/claim/new">Get a new link</a></p>
</div>`;
  return page({ title, body, width: 'narrow' });
}

/** Renders the command that sets up every installed client, which needs Node. */
function setupStep(publicUrl: string): Html {
  return html`<p>With Node 20.19 or newer, run this in a terminal. It finds your clients, signs you in with the browser, and shows each change before it makes it:</p>
${copyable('setup', setupCommand({ url: publicUrl, version: VERSION }), 'the setup command')}`;
}

function clientStep({ id: name, client, how, text }: ClientSetup, index: number): Html {
  const id = `step-${name}`;
  return html`<details name="client" class="client"${index === 0 && html` open`}>
<summary>${client}<span>${how}</span></summary>
${copyable(id, text, `the text for ${client}`)}
</details>`;
}

/** Renders a text with a copy button, which is hidden until the script runs. */
function copyable(id: string, text: string, what: string): Html {
  return html`<div class="copyable">
<pre tabindex="0"><code id="${id}">${text}</code></pre>
<button type="button" class="button quiet" data-copies="${id}" aria-label="Copy ${what}" hidden>Copy</button>
</div>`;
}
