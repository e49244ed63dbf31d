/**
 * A service reduced to its database, which tests kill, interrupt and start concurrently:
 * `node embedded-child.mjs <URL of db/embedded/start> <DATA_DIR>`. Prints one JSON line (`ChildReport` in
 * embedded-fixture.ts) when the database runs or failed to start. Stops on a line on stdin or at its end. On SIGINT it
 * runs a query first, as a service does that completes its requests.
 */
import pg from 'pg';

const [, , moduleUrl = '', dataDir = ''] = process.argv;
const { startEmbedded } = await import(moduleUrl);
/** @param {object} report */
const print = (report) => process.stdout.write(`${JSON.stringify(report)}\n`);
/** @type {string[]} */
const logged = [];

try {
  const { stop, ...database } = await startEmbedded({
    dataDir,
    log: (/** @type {string} */ message) => logged.push(message),
  });
  const stopAndExit = () => stop().then(() => process.exit(0));
  process.stdin.once('data', stopAndExit).once('end', stopAndExit);
  process.on('SIGINT', async () => {
    const client = new pg.Client(database.url);
    await client.connect();
    const { rows } = await client.query('select count(*)::int as count from pg_database');
    await client.end();
    print({ drained: rows[0].count });
    await stopAndExit();
  });
  print({ ...database, logged });
} catch (thrown) {
  const error = /** @type {Error & { pid?: number }} */ (thrown);
  print({ error: error.name, message: error.message, pid: error.pid });
  process.exit(1);
}
