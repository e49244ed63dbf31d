import { rememberTexts } from './logs.ts';

/** An HTTP response with its body. */
export interface ApiResponse<Body = unknown> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on the fields it names; the contract test checks their types
export type Json = any;

/** A REST client for tests: `fetch` with an API key, or with other headers. */
export class Client {
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Headers of every request. */
  readonly headers: Record<string, string>;

  constructor(url: string, apiKey?: string, headers: Record<string, string> = {}) {
    this.url = url;
    this.apiKey = apiKey;
    this.headers = headers;
  }

  get(path: string, headers?: Record<string, string>): Promise<ApiResponse<Json>> {
    return this.request('GET', path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiResponse<Json>> {
    return this.request('POST', path, body, headers);
  }

  put(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiResponse<Json>> {
    return this.request('PUT', path, body, headers);
  }

  patch(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiResponse<Json>> {
    return this.request('PATCH', path, body, headers);
  }

  delete(path: string, headers?: Record<string, string>): Promise<ApiResponse<Json>> {
    return this.request('DELETE', path, undefined, headers);
  }

  /** Sends a request to a path below `/api/v1`, or to a full URL. A string body is sent unchanged. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiResponse<Json>> {
    rememberTexts(body);
    const response = await fetch(path.startsWith('http') ? path : `${this.url}/api/v1${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(this.apiKey && { Authorization: `Bearer ${this.apiKey}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...this.headers,
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
  }
}
