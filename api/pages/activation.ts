import { ACTIVATION_LINK_DAYS, type ActivationLinkState } from '../keys/activation-links.ts';
import { type ClientSetup, clientSetups } from '../keys/client-setup.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';

/** What a link's visitor sees: one button while it can be used, else why not and a way on. */
export function claimPage(token: string, state: ActivationLinkState): string {
  if (state !== 'open') return deadClaimPage(state);
  const body = html`
<div class="card">
<h1>Your API key is one step away</h1>
<p>Press the button and your key is made. It is <strong>shown once</strong>: only its fingerprint is stored, so have a place ready to keep it.</p>
<form method="post" action="/claim/${token}"><button class="button large" type="submit">Show my API key</button></form>
<p class="fine">This link works once, within ${ACTIVATION_LINK_DAYS} days.</p>
</div>`;
  return page({ title: 'Your API key', body, width: 'narrow' });
}

/** The key, once, and what to paste where. */
export function keyPage(apiKey: string, publicUrl: string, replacedKeys: number): string {
  const body = html`
<h1>Here is your API key</h1>
<p class="lead">Keep it now: it is not shown again.${replacedKeys > 0 && ' The earlier one, which was never used, no longer works.'}</p>
${copyable('key', apiKey, 'API key')}
<h2>Connect a client</h2>
<p>Paste one of these, restart the client, and say: <em>remember that we deploy on Fridays.</em></p>
${clientSetups(publicUrl, apiKey).map(clientStep)}
<p class="fine">In a project's own file, name the key by a variable instead, so that it is never committed. If a key gets out, revoke it: <code>DELETE /api/v1/user/keys/{id}</code>.</p>`;
  return page({ title: 'Here is your API key', body, copies: true });
}

/**
 * `/claim/new`: asks for the address. `wrong` says why what was given is none; `signIn` that there is a way without a mail.
 */
export function newClaimPage(signIn: boolean, wrong?: { email: string; reason: string }): string {
  const body = html`
<div class="card">
<h1>Get a new link</h1>
<p>Give the address that you bought with, and we mail you a link that makes a key.</p>
<form method="post" action="/claim/new">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="email" maxlength="254" required value="${wrong?.email ?? ''}"${
    wrong && html` aria-invalid="true" aria-describedby="email-error"`
  }>
${wrong && html`<p id="email-error" class="error">${wrong.reason}</p>`}
<button class="button large" type="submit">Mail me a link</button>
</form>
${signIn && html`<p class="fine">Or without a mail: <a href="/auth/whop">sign in with Whop</a>.</p>`}
</div>`;
  return page({ title: 'Get a new link', body, width: 'narrow' });
}

/** The answer of `/claim/new`, the same whether or not anybody has this address. */
export function newClaimSentPage(): string {
  const body = html`
<div class="card">
<h1>Look into your mail</h1>
<p>If an account has this address, a link is on its way to it. It works once, within ${ACTIVATION_LINK_DAYS} days.</p>
<p class="fine">Nothing there after some minutes? Look into the spam folder, or try the address that Whop has of you.</p>
</div>`;
  return page({ title: 'Look into your mail', body, width: 'narrow' });
}

const DEAD: Record<Exclude<ActivationLinkState, 'open'>, { title: string; reason: string }> = {
  used: {
    title: 'This link has been used',
    reason:
      'A key was made by it, or by a later link of yours, and was shown once. If it is lost, get a new link and make another.',
  },
  expired: {
    title: 'This link has expired',
    reason: `A link works for ${ACTIVATION_LINK_DAYS} days. A new one is a moment away.`,
  },
  unknown: {
    title: 'This link does not work',
    reason: 'It may be cut off, or too old to be known. A new one is a moment away.',
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

function clientStep({ client, how, text }: ClientSetup, index: number): Html {
  const id = `step-${client.toLowerCase().replaceAll(' ', '-')}`;
  return html`<details name="client" class="client"${index === 0 && html` open`}>
<summary>${client}<span>${how}</span></summary>
${copyable(id, text, `the text for ${client}`)}
</details>`;
}

/** A text with a button that copies it, which the script shows. */
function copyable(id: string, text: string, what: string): Html {
  return html`<div class="copyable">
<pre tabindex="0"><code id="${id}">${text}</code></pre>
<button type="button" class="button quiet" data-copies="${id}" aria-label="Copy ${what}" hidden>Copy</button>
</div>`;
}
