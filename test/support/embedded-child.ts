/**
 * A service reduced to its database, to be killed, interrupted and raced by tests.
 * `node --import tsx embedded-child.ts <url of db/embedded/start.ts> <DATA_DIR>`: prints one JSON line (ChildReport) when it
 * owns the database or could not; stops on a line on stdin or when that closes; on SIGINT counts rows first, as a draining service would.
 */
import pg from 'pg';

export type ChildReport =
  | { url: string; origin: string; directory: string; logged: string[]; milliseconds: number }
  | { error: string; message: string; pid: number | undefined; milliseconds: number }
  | { drained: number };

const [, , moduleUrl = '', dataDir = ''] = process.argv;
const { startEmbedded } = (await import(moduleUrl)) as typeof import('../../db/embedded/start.ts');
const say = (report: ChildReport) => process.stdout.write(`${JSON.stringify(report)}\n`);
const logged: string[] = [];
const begin = performance.now();
const milliseconds = () => Math.round(performance.now() - begin);

try {
  const { stop, ...rest } = await startEmbedded({ dataDir, log: (message) => logged.push(message) });
  const leave = () => stop().then(() => process.exit(0));
  process.stdin.once('data', leave).once('end', leave);
  process.on('SIGINT', async () => {
    const client = new pg.Client(rest.url);
    await client.connect();
    const { rows } = await client.query('select count(*)::int as count from pg_database');
    await client.end();
    say({ drained: rows[0].count });
    await leave();
  });
  say({ ...rest, logged, milliseconds: milliseconds() });
} catch (thrown) {
  const error = thrown as Error & { pid?: number };
  say({ error: error.name, message: error.message, pid: error.pid, milliseconds: milliseconds() });
  process.exit(1);
}
