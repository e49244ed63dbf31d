import { existsSync, readFileSync } from 'node:fs';
import { SERVER_NAME } from '../client-setup/client-ids.ts';
import { CLIENTS, type Client } from '../client-setup/clients.ts';
import type { Folders } from '../client-setup/edits.ts';
import { serviceUrl } from './credentials.ts';
import { clientFolders, type Host } from './folders.ts';
import { configFile, isInstalled } from './setup/detect.ts';
import { readJson } from './setup/edit-json.ts';
import { readToml } from './setup/edit-toml.ts';

/** State of the entry of one client. */
interface ClientCheck {
  name: string;
  ok: boolean;
  remark: string;
  /** How to fix it. */
  todo?: string | undefined;
}

/** Checks the entry of each client that is installed: that it can be read, leads to the service, and starts a program that exists. */
export function checkClients(host: Host, url: string | undefined): ClientCheck[] {
  const folders = clientFolders(host);
  return CLIENTS.filter((client) => isInstalled(client, folders, host)).map((client) =>
    checkClient(client, folders, url),
  );
}

function checkClient(client: Client, folders: Folders, url: string | undefined): ClientCheck {
  const file = configFile(client, folders);
  const todo = `whitemagic setup --client ${client.id}`;
  const result = (ok: boolean, remark: string) => ({ name: client.name, ok, remark, ...(!ok && { todo }) });
  let entry: unknown;
  try {
    entry = readEntry(client, file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...result(false, `${file}: ${reason}`), todo: `Correct the file, then: ${todo}` };
  }
  if (typeof entry !== 'object' || entry === null) return { ...result(true, 'not set up'), todo };
  const { program, address } = parts(entry as Record<string, unknown>);
  if (program?.startsWith('/') && !existsSync(program)) return result(false, `starts ${program}, which does not exist`);
  if (address !== undefined && url !== undefined && serviceUrl(address) !== serviceUrl(url))
    return result(true, `set up for another service, ${serviceUrl(address)}`);
  return result(true, `set up ${program === undefined ? 'with address and key' : 'with the bridge'}`);
}

function readEntry(client: Client, file: string): unknown {
  if (!existsSync(file)) return undefined;
  const at = [...client.serversAt, SERVER_NAME];
  const text = readFileSync(file, 'utf8');
  return client.format === 'toml' ? readToml(text, at) : readJson(text, at);
}

/** Returns the program and the address in an entry, in whichever form its client writes them. */
function parts(entry: Record<string, unknown>): { program: string | undefined; address: string | undefined } {
  const words = [entry.command, entry.args].flat().filter((word) => typeof word === 'string');
  const env = (entry.env ?? entry.environment) as Record<string, unknown> | undefined;
  const address = entry.url ?? entry.serverUrl ?? entry.httpUrl ?? env?.WHITEMAGIC_URL;
  return {
    // The script, or without one the program itself.
    program: words.find((word) => /whitemagic\.js$/.test(word)) ?? words[0],
    address: typeof address === 'string' ? address : undefined,
  };
}
