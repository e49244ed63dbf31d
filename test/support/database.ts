import { randomBytes } from 'node:crypto';
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
  await onCluster(inject('clusterUrl'), `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
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
