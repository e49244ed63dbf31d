/** A minimal browser: sends requests with cookies, and follows redirects on request. */
export class BrowserSession {
  readonly #origin: string;
  readonly cookies = new Map<string, string>();
  /** The `Set-Cookie` headers of the last response. */
  setCookies: string[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Requests a path of the service, or another URL without cookies. Does not follow redirects. */
  async go(
    address: string,
    options: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    const url = new URL(address, this.#origin);
    const isSameOrigin = url.origin === this.#origin;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      ...options,
      headers: { Accept: 'text/html,*/*;q=0.8', ...(isSameOrigin && cookie && { Cookie: cookie }), ...options.headers },
    });
    if (isSameOrigin) this.#storeCookies(response);
    return response;
  }

  /** Requests a URL and follows all redirects. Returns the last response and its URL. */
  async follow(address: string): Promise<{ answer: Response; address: string }> {
    for (let at = address, steps = 0; steps < 10; steps++) {
      const answer = await this.go(at);
      const next = answer.headers.get('location');
      if (!next) return { answer, address: at };
      at = new URL(next, new URL(at, this.#origin)).href;
    }
    throw new Error('too many redirects');
  }

  #storeCookies(response: Response): void {
    this.setCookies = response.headers.getSetCookie();
    for (const line of this.setCookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}
