import { getProxyForUrl } from 'proxy-from-env';

const LOOPBACK = /^(localhost|127\..*|\[::1\])$/;

/**
 * Sends a request as `fetch` does, through the proxy that `HTTPS_PROXY` and `NO_PROXY` name. Node's own `fetch` does that only from Node
 * 24 on. Addresses of this computer, the only ones that may begin with http://, need no proxy.
 */
export const proxiedFetch: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const proxy = url.protocol === 'https:' && !LOOPBACK.test(url.hostname) ? getProxyForUrl(url.href) : '';
  if (proxy === '') return fetch(input, init);
  // Most computers have no proxy, and start without this.
  const { fetchThroughProxy } = await import('./proxy-tunnel.ts');
  return fetchThroughProxy(url, init ?? {}, proxy);
};
