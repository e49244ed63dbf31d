import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

/** Creates a database, empty or as a clone of `template`. Returns its URL. */
export async function createDatabase(clusterUrl: string, name: string, template?: string): Promise<string> {
  await onCluster(clusterUrl, `create database ${name} ${template ? `template ${template}` : ''}`);
  const url = new URL(clusterUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Creates a migrated database without users. Returns its URL. */
export async function freshDatabase(): Promise<string> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  return createDatabase(inject('clusterUrl'), name, 'whitemagic_template');
}

/** Creates a database without tables. Returns its URL. */
export async function emptyDatabase(): Promise<string> {
  return createDatabase(inject('clusterUrl'), `t_${randomBytes(6).toString('hex')}`);
}

/** Drops a database, also while clients are connected. */
export async function dropDatabase(url: string): Promise<void> {
  const statement = `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await onCluster(inject('clusterUrl'), statement);
    } catch (error) {
      // An autovacuum worker is connected: it belongs to the superuser, cannot be terminated, and ends by itself.
      const isTransient = error instanceof Error && 'code' in error && error.code === '42501';
      if (!isTransient || attempt === 50) throw error;
      await delay(200);
    }
  }
}

async function onCluster(clusterUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: clusterUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
