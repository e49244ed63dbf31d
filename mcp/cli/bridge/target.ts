import { Failure } from './failure.ts';

/** What the person set, and where: the command reads it from the environment and from `credentials.json`. */
export interface Settings {
  url?: string | undefined;
  key?: string | undefined;
  /** Where the key was found, for the sentence that says it was refused. */
  keyFrom?: string | undefined;
  /** Default project of every call. */
  project?: string | undefined;
}

/** Where requests go, checked. */
export interface Target {
  /** `<base>/mcp`, with the query of the given URL. */
  endpoint: URL;
  /** The service's address without `/mcp` and query, for people and for `/health`. */
  base: string;
  key: string;
  keyFrom: string;
  loopback: boolean;
  /** A project that a header can carry; any other travels in the query. */
  projectHeader?: string;
}

const whereToSet = `in the "env" of this server in your MCP configuration, then restart the server`;

/** Turns settings into a target. Throws a `Failure` whose sentence says what to set. */
export function resolveTarget(settings: Settings): Target {
  const endpoint = endpointOf(settings.url?.trim());
  const base = endpoint.origin + endpoint.pathname.replace(/\/mcp$/, '');
  const key = settings.key?.trim();
  if (!key) {
    throw notConfigured(`WHITEMAGIC_API_KEY is not set. Make a key at ${endpoint.origin} and put it ${whereToSet}.`);
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw notConfigured(
      `WHITEMAGIC_API_KEY holds characters that no key has. Copy the key again and put it ${whereToSet}.`,
    );
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

function endpointOf(url: string | undefined): URL {
  if (!url) {
    throw notConfigured(
      `WHITEMAGIC_URL is not set. Put the address of your WhiteMagic service and WHITEMAGIC_API_KEY ${whereToSet}; in a checkout, "npm start" once is enough.`,
    );
  }
  const endpoint = URL.canParse(url) ? new URL(url) : undefined;
  if (!endpoint || !/^https?:$/.test(endpoint.protocol) || endpoint.username || endpoint.password) {
    throw notConfigured(`WHITEMAGIC_URL is not an address like https://host. Correct it ${whereToSet}.`);
  }
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
    throw notConfigured(
      `WHITEMAGIC_URL must begin with https:// (plain http would show your key to the network; only this machine's own addresses may use it). Correct it ${whereToSet}.`,
    );
  }
  endpoint.hash = '';
  endpoint.pathname = `${endpoint.pathname.replace(/\/+$/, '').replace(/\/mcp$/, '')}/mcp`;
  return endpoint;
}

/** A header carries ASCII only, so any other project name goes where percent-encoding is understood. */
function setProject(target: Target, project: string | undefined): void {
  if (!project) return;
  if (/^[\x20-\x7e]+$/.test(project)) target.projectHeader = project;
  else target.endpoint.searchParams.set('project', project);
}

/** The hosts that plain http may reach: 127.0.0.0/8, ::1 and localhost. `URL` has already normalised 127.1 and the like. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function notConfigured(sentence: string): Failure {
  return new Failure('not_configured', sentence, { code: 'not_configured' });
}
