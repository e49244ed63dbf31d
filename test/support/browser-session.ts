/** A browser without a screen: keeps cookies and goes where it is told, one step at a time. */
export class Visitor {
  readonly #origin: string;
  readonly cookies = new Map<string, string>();
  /** The `Set-Cookie` lines of the last answer. */
  setCookies: string[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Asks for a path of the service, or for a whole address of elsewhere, where no cookie goes. Follows no redirect. */
  async go(address: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Response> {
    const url = new URL(address, this.#origin);
    const isOurs = url.origin === this.#origin;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      ...options,
      headers: { Accept: 'text/html,*/*;q=0.8', ...(isOurs && cookie && { Cookie: cookie }), ...options.headers },
    });
    if (isOurs) this.#keep(answer);
    return answer;
  }

  /** Asks, and follows every redirect to its end. Answers the last answer and where it came from. */
  async follow(address: string): Promise<{ answer: Response; address: string }> {
    for (let at = address, steps = 0; steps < 10; steps++) {
      const answer = await this.go(at);
      const next = answer.headers.get('location');
      if (!next) return { answer, address: at };
      at = new URL(next, new URL(at, this.#origin)).href;
    }
    throw new Error('redirects without an end');
  }

  #keep(answer: Response): void {
    this.setCookies = answer.headers.getSetCookie();
    for (const line of this.setCookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}
