import { type AuthResult, auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import type { Client } from './client.ts';
import type { TestService } from './service.ts';

/** An app that connects by the MCP SDK's own OAuth client, which keeps everything in memory. */
export class OAuthApp implements OAuthClientProvider {
  readonly serverUrl: string;
  readonly clientMetadata: OAuthClientMetadata;
  readonly clientMetadataUrl?: string;
  /** Where it receives its codes. Default: the first address that it registers. */
  redirectUrl: string;
  authorizationUrl: URL | undefined;
  registered: OAuthClientInformationMixed | undefined;
  granted: OAuthTokens | undefined;
  #verifier = '';

  constructor(serverUrl: string, metadata: Partial<OAuthClientMetadata> = {}, clientMetadataUrl?: string) {
    this.serverUrl = serverUrl;
    this.clientMetadata = {
      client_name: 'Claude',
      redirect_uris: ['https://claude.example/api/mcp/auth_callback'],
      ...metadata,
    };
    this.redirectUrl = this.clientMetadata.redirect_uris[0] as string;
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl;
  }

  state = () => 'some-state';
  clientInformation = () => this.registered;
  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.registered = information;
  }
  tokens = () => this.granted;
  saveTokens(tokens: OAuthTokens): void {
    this.granted = tokens;
  }
  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier = () => this.#verifier;
  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'client') this.registered = undefined;
    if (scope === 'all' || scope === 'tokens') this.granted = undefined;
  }

  /** Asks for access, or refreshes the tokens it has. */
  authorize(authorizationCode?: string): Promise<AuthResult> {
    return auth(this, { serverUrl: this.serverUrl, ...(authorizationCode && { authorizationCode }) });
  }

  /** Goes through the whole dance with a person who decides without a browser. */
  async connect(person: Client, decision?: Decision): Promise<void> {
    await this.authorize();
    const back = await decide(this.authorizationUrl as URL, person, decision);
    await this.authorize(back.searchParams.get('code') as string);
  }

  /** Calls a tool with the tokens it has, which are refreshed as needed, and returns the text of the result. */
  call(name: string, input: Record<string, unknown> = {}): Promise<string> {
    return this.#withClient(async (client) => {
      const { content } = await client.callTool({ name, arguments: input });
      return (content as { text: string }[])[0]?.text ?? '';
    });
  }

  /** Returns the names of the tools that it sees. */
  tools(): Promise<string[]> {
    return this.#withClient(async (client) => (await client.listTools()).tools.map(({ name }) => name));
  }

  async #withClient<T>(work: (client: McpClient) => Promise<T>): Promise<T> {
    const client = new McpClient({ name: 'claude-ai', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(this.serverUrl), { authProvider: this }));
    return work(client).finally(() => client.close());
  }
}

interface Decision {
  allowed?: boolean;
  scopes?: string[];
  projects?: string[];
}

/** A browser without a screen: follows redirects one by one and keeps cookies. */
export class CookieJar {
  readonly #cookies = new Map<string, { path: string; value: string }>();

  /** Requests a page and returns its status, and the address that it redirects to. */
  async open(url: URL | string): Promise<{ status: number; location: URL; text: string }> {
    const { pathname } = new URL(url);
    const sent = [...this.#cookies].filter(([, { path }]) => pathname.startsWith(path));
    const cookie = sent.map(([name, { value }]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html', Cookie: cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, { value, path: /path=([^;]+)/i.exec(line)?.[1] ?? '/' });
    }
    return {
      status: response.status,
      location: new URL(response.headers.get('Location') ?? 'about:blank', url),
      text: await response.text(),
    };
  }
}

/** Opens an app's request in a browser, as far as the consent screen. Returns its address in the dashboard. */
export async function openRequest(browser: CookieJar, authorizationUrl: URL): Promise<{ id: string; screen: URL }> {
  const { location: interaction } = await browser.open(authorizationUrl);
  const { location: screen } = await browser.open(interaction);
  return { id: screen.pathname.split('/').at(-1) as string, screen };
}

/** Decides about an app's request, and returns the address at which the app receives the result. */
export async function decide(authorizationUrl: URL, person: Client, decision: Decision = {}): Promise<URL> {
  const browser = new CookieJar();
  const { id } = await openRequest(browser, authorizationUrl);
  const { body } = await person.post(`/user/app-requests/${id}`, { allowed: true, ...decision });
  return finish(browser, body.redirect_url);
}

/** Follows a decision back to the app. */
export async function finish(browser: CookieJar, redirectUrl: string): Promise<URL> {
  const { location: resume } = await browser.open(redirectUrl);
  return (await browser.open(resume)).location;
}

/** Returns the address of the MCP server for apps. */
export const mcpUrlOf = ({ oauthUrl }: Pick<TestService, 'oauthUrl'>): string => `${oauthUrl}/mcp`;
