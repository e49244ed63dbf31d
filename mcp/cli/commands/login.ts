import { hostname } from 'node:os';
import type { Command } from 'commander';
import { createApi } from '../api.ts';
import { resolveTarget } from '../bridge/target.ts';
import { type Cli, CommandError, settingsOf } from '../cli.ts';
import { type Credentials, deleteCredentials, storeCredentials } from '../credentials.ts';

/** Adds `whitemagic login`. */
export function addLogin(program: Command, cli: Cli): void {
  program
    .command('login')
    .summary('get an API key with the browser')
    .description(
      'Opens the dashboard, where you compare a code and approve. The new key is stored in a file that only you can read.',
    )
    .option('--url <url>', 'address of the service')
    .option('--no-browser', 'print the address instead of opening it')
    .action(async ({ url, browser }: { url?: string; browser: boolean }) => {
      const { url: service } = await login(cli, url, browser);
      cli.print(`You are logged in to ${service}. Next: whitemagic setup`);
    });
}

/** Adds `whitemagic logout`. */
export function addLogout(program: Command, cli: Cli): void {
  program
    .command('logout')
    .summary('delete the key of "whitemagic login" from this computer')
    .option('--url <url>', 'address of the service (otherwise that of the last login)')
    .action((options: { url?: string }) => logout(cli, options.url));
}

interface Started {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
  interval: number;
}

interface Polled {
  status: 'pending' | 'denied' | 'expired' | 'approved';
  api_key: string | null;
}

/**
 * Gets a key by the device flow (RFC 8628) and stores it.
 * @throws CommandError when the person denies it or does not decide in time
 */
export async function login(cli: Cli, url: string | undefined, opensBrowser: boolean): Promise<Credentials> {
  const settings = settingsOf(cli, url);
  if (!settings.url) throw new CommandError('Say which service: whitemagic login --url https://...', 2);
  const { base } = resolveTarget({ ...settings, key: 'none' });
  const api = createApi({ url: base }, cli, { isPublic: true });
  const started = await api.call<Started>({
    method: 'POST',
    path: '/device/code',
    body: { name: `whitemagic on ${hostname()}`.slice(0, 100) },
  });
  const isOpen = opensBrowser && cli.openBrowser(started.verification_uri_complete);
  cli.note(`${isOpen ? 'Your browser opens' : 'Open'} ${started.verification_uri_complete}`);
  cli.note(`and approve there, if it shows the code ${started.user_code}. Waiting …`);
  const key = await poll(cli, (body) => api.call({ method: 'POST', path: '/device/token', body }), started);
  const path = storeCredentials(cli, { url: base, key });
  cli.note(`The key is stored in ${path}.`);
  return { url: base, key };
}

async function poll(
  cli: Cli,
  ask: (body: { device_code: string }) => Promise<Polled>,
  { device_code, expires_in, interval }: Started,
): Promise<string> {
  for (let waited = 0; waited <= expires_in; waited += interval) {
    await cli.delay(interval * 1_000);
    const { status, api_key: key } = await ask({ device_code });
    if (status === 'approved' && key) return key;
    if (status === 'denied') throw new CommandError('The request was denied in the browser. No key was made.');
    if (status === 'expired') break;
  }
  throw new CommandError('The request was not approved in time, and no key was made. Run whitemagic login again.');
}

function logout(cli: Cli, url: string | undefined): void {
  const found = deleteCredentials(cli, url);
  if (!found) throw new CommandError('There is no key of "whitemagic login" on this computer for this service.');
  cli.print(`The key for ${found.url} is deleted from this computer.`);
  cli.print(`It still works where it was copied to: revoke it at ${found.url}/app/keys`);
}
