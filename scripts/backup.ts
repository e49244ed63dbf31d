import { parseArgs } from 'node:util';
import { openBackups } from '../api/backup/backups.ts';
import { createKeyPair } from '../api/backup/encryption.ts';
import { listArchives } from '../api/backup/retention.ts';
import { readConfig } from '../api/config.ts';
import { newId } from '../api/ids.ts';
import { connect } from '../db/client/database.ts';
import { formatBytes, runProgram } from './cli-output.ts';
import { withOwnerUrl } from './open-database.ts';

const HELP = `Usage: whitemagic-server backup [--to FOLDER|s3://BUCKET/PREFIX]
       whitemagic-server backup --list
       whitemagic-server backup --create-keys

Writes the whole database, as it is at one moment, to a compressed archive, while the service runs. Then deletes the archives that
are older than BACKUP_KEEP_DAYS days (30), and stores the deletion receipts beside them.

  --to             instead of BACKUP_TO
  --list           lists the archives
  --create-keys    prints a new pair of keys for encrypted backups

With BACKUP_RECIPIENT set, archives are encrypted for that key. A bucket needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
and, for another service than Amazon S3, AWS_ENDPOINT_URL. The service makes a backup every day where BACKUP_TO is set.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      to: { type: 'string' },
      list: { type: 'boolean', default: false },
      'create-keys': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  if (values['create-keys']) return printKeys();
  const config = readConfig();
  const backup = { ...config.backup, ...(values.to && { to: values.to }) };
  if (!backup.to) throw new Error(`Set BACKUP_TO, or name a place with --to.\n\n${HELP}`);
  await withOwnerUrl(config, async (ownerUrl) => {
    const database = connect({ url: ownerUrl, onError: () => undefined });
    try {
      const backups = openBackups(backup, { database, ownerUrl, now: () => new Date(), newId });
      if (!backups) return;
      if (values.list) {
        const archives = await listArchives(backups.store);
        for (const { name, bytes } of archives) console.log(`${name}  ${formatBytes(bytes)}`);
        if (archives.length === 0) console.log(`No backup in ${backups.store.location} yet.`);
        return;
      }
      const started = performance.now();
      const { name, bytes, manifest, deleted } = await backups.backUp();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`Wrote ${name} to ${backups.store.location}: ${formatBytes(bytes)}, ${seconds} s`);
      console.log(`${Object.keys(manifest.tables).length} tables, ${manifest.row_count} rows`);
      if (!backup.recipient) console.log('The archive is not encrypted: set BACKUP_RECIPIENT to encrypt the next one.');
      for (const old of deleted) console.log(`Deleted ${old}`);
    } finally {
      await database.close();
    }
  });
}

async function printKeys(): Promise<void> {
  const { recipient, identity } = await createKeyPair();
  console.log(`BACKUP_RECIPIENT=${recipient}

Set this for the service. Keep the line below away from it, in a file that only you can read: backups cannot be restored without it.

${identity}`);
}

await runProgram(main);
