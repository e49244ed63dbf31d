import { v7 as uuidv7 } from 'uuid';
import { readCredentials } from '../api/accounts/local-owner.ts';
import { issueLocalSignInLink } from '../api/auth/local-sign-in.ts';
import { SIGN_IN_LINK_MINUTES } from '../api/auth/sign-in-links.ts';
import { readConfig } from '../api/config.ts';
import { connect } from '../db/client/database.ts';
import { findEmbedded } from '../db/embedded/start.ts';

const HELP = `Usage: npm run --silent dashboard

Prints a link that signs a browser in to the dashboard of the service that runs in DATA_DIR. It works once, within ${SIGN_IN_LINK_MINUTES} minutes.
With DATABASE_URL there is no local account: sign in at /login of the service.`;

/** Prints a new sign-in link of the local account. Returns the exit code. */
async function main(args: string[]): Promise<number> {
  if (args.length > 0) {
    console.log(HELP);
    return args.includes('--help') ? 0 : 1;
  }
  const { databaseUrl, dataDir, publicUrl } = readConfig();
  if (databaseUrl) return fail(`With DATABASE_URL there is no local account. Sign in at ${publicUrl ?? ''}/login.`);
  const running = await findEmbedded(dataDir);
  const credentials = await readCredentials(dataDir);
  if (!running || !credentials) return fail('WhiteMagic is not running. Start it with `npm start`.');
  const database = connect({ url: running, onError: () => undefined });
  try {
    const path = await database.ownerWrite((sql) =>
      issueLocalSignInLink({ sql, now: () => new Date(), newId: () => uuidv7() }),
    );
    if (!path) return fail('The local account does not exist. Restart the service with `npm start`.');
    console.log(`${credentials.url}${path}`);
    return 0;
  } finally {
    await database.close();
  }
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
