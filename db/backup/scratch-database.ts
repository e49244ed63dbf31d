import { randomBytes } from 'node:crypto';
import pg from 'pg';

/**
 * Runs `work` on a new, empty database of a server, and drops it afterwards.
 * @param url URL of a role that may create databases, on any database of that server
 */
export async function withScratchDatabase<T>(url: string, work: (scratchUrl: string) => Promise<T>): Promise<T> {
  const name = `whitemagic_restore_test_${randomBytes(6).toString('hex')}`;
  await onServer(url, `create database ${name}`).catch((error) => {
    if (error.code !== '42501') throw error;
    throw new Error(
      'The role may not create databases on this server. Create an empty one, and name it with --into URL: it is emptied again afterwards.',
    );
  });
  const scratch = new URL(url);
  scratch.pathname = `/${name}`;
  try {
    return await work(scratch.href);
  } finally {
    await onServer(url, `drop database if exists ${name} with (force)`);
  }
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'whitemagic-backup' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
