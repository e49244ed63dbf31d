import { Failure } from './failure.ts';

/** Settings of the user, from the environment or from `credentials.json`. */
export interface Settings {
  url?: string | undefined;
  key?: string | undefined;
  /** Source of the key, for the message when it is rejected. */
  keyFrom?: string | undefined;
  /** Default project of every call. */
  project?: string | undefined;
}

/** Validated destination of requests. */
export interface Target {
  /** `<base>/mcp`, with the query of the given URL. */
  endpoint: URL;
  /** The service's URL without `/mcp` and query, for messages and for `/health`. */
  base: string;
  key: string;
  keyFrom: string;
  loopback: boolean;
  /** The project, if a header can contain it; otherwise it is in the query of `endpoint`. */
  projectHeader?: string;
}

/** Says where to put a setting: for an IDE that starts the bridge, or for a person at a terminal. */
const PLACES = {
  ide: 'in the "env" of this server in your MCP configuration, then restart the server',
  terminal: 'in the environment, or run "whitemagic login --url https://..."',
};

/** Validates settings. Throws a `Failure` whose message says what to set, and where. */
export function resolveTarget(settings: Settings, reader: keyof typeof PLACES = 'terminal'): Target {
  const place = PLACES[reader];
  const endpoint = endpointOf(settings.url?.trim(), place);
  const base = endpoint.origin + endpoint.pathname.replace(/\/mcp$/, '');
  const key = settings.key?.trim();
  if (!key) {
    throw notConfigured(`WHITEMAGIC_API_KEY is not set. Create a key at ${endpoint.origin} and put it ${place}.`);
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw notConfigured(`WHITEMAGIC_API_KEY contains invalid characters. Copy the key again and put it ${place}.`);
  }
  const target: Target = {
    endpoint,
    base,
    key,
    keyFrom: settings.keyFrom ?? 'WHITEMAGIC_API_KEY',
    loopback: isLoopback(endpoint.hostname),
  };
  setProject(target, settings.project?.trim());
  return target;
}

function endpointOf(url: string | undefined, place: string): URL {
  if (!url) {
    throw notConfigured(
      `WHITEMAGIC_URL is not set. Put the address of your WhiteMagic service and WHITEMAGIC_API_KEY ${place}; in a checkout, "npm start" once is enough.`,
    );
  }
  const endpoint = URL.canParse(url) ? new URL(url) : undefined;
  if (!endpoint || !/^https?:$/.test(endpoint.protocol) || endpoint.username || endpoint.password) {
    throw notConfigured(`WHITEMAGIC_URL is not a URL like https://host. Correct it ${place}.`);
  }
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
    throw notConfigured(
      `WHITEMAGIC_URL must begin with https:// (http:// would expose your key on the network; it is allowed only for this machine). Correct it ${place}.`,
    );
  }
  endpoint.hash = '';
  endpoint.pathname = `${endpoint.pathname.replace(/\/+$/, '').replace(/\/mcp$/, '')}/mcp`;
  return endpoint;
}

/** Puts the project into a header, or into the query if it is not ASCII. */
function setProject(target: Target, project: string | undefined): void {
  // One in the URL is what the user wrote there.
  if (!project || target.endpoint.searchParams.has('project')) return;
  if (/^[\x20-\x7e]+$/.test(project)) target.projectHeader = project;
  else target.endpoint.searchParams.set('project', project);
}

/** Checks for a host that http:// is allowed for: 127.0.0.0/8, ::1, localhost. `URL` has already normalized 127.1. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function notConfigured(message: string): Failure {
  return new Failure('not_configured', message, { code: 'not_configured' });
}
