import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

/** Makes a database, empty or as a clone of `template`. Answers its URL. */
export async function createDatabase(clusterUrl: string, name: string, template?: string): Promise<string> {
  await onCluster(clusterUrl, `create database ${name} ${template ? `template ${template}` : ''}`);
  const url = new URL(clusterUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** A database of the test file's own: migrated, without users. */
export async function freshDatabase(): Promise<string> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  return createDatabase(inject('clusterUrl'), name, 'whitemagic_template');
}

/** A database of the test file's own without any table. */
export async function emptyDatabase(): Promise<string> {
  return createDatabase(inject('clusterUrl'), `t_${randomBytes(6).toString('hex')}`);
}

/** Removes a database, whoever is connected. */
export async function dropDatabase(url: string): Promise<void> {
  const statement = `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await onCluster(inject('clusterUrl'), statement);
    } catch (error) {
      // An autovacuum worker is in it: a superuser's process, which we may not end and which ends by itself.
      const passing = error instanceof Error && 'code' in error && error.code === '42501';
      if (!passing || attempt === 50) throw error;
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
