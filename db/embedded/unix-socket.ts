import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Location } from './location.ts';

/** Bytes that the path of a Unix socket may have: 107 on Linux, 103 on macOS. */
const PATH_BYTES_MAX = 103;
/** The name of a server's socket, before its port. A lock file of the same name ends with `.lock`. */
const SOCKET_NAME = '.s.PGSQL.';
/** Messages of a server that cannot open a socket where it should, as on some mounts. */
export const SOCKET_FAILURE = /Unix(-domain)? (socket|address)/;

/** Every login needs the password, over the socket and on the loopback interface. The superuser has none, so that it cannot log in. */
const ACCESS = `local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
`;

/**
 * Returns the folder of a cluster's Unix socket, or an empty text where there can be none: on Windows, and where the path is too long. Over
 * TCP on the loopback interface the kernel delays some results of more than 80 kB by 40 ms (docs/decisions/0162).
 */
export function socketFolderOf({ cluster }: Location): string {
  const path = join(cluster, `${SOCKET_NAME}65535`);
  return process.platform === 'win32' || Buffer.byteLength(path) > PATH_BYTES_MAX ? '' : cluster;
}

/** Writes who may connect to a file of our own, since the one in a cluster of a version before 0162 admits no one over the socket. Returns its path. */
export async function writeAccessFile({ home }: Location): Promise<string> {
  const path = join(home, 'pg_hba.conf');
  const draft = `${path}.${randomUUID()}.draft`;
  await writeFile(draft, ACCESS, { flag: 'wx' });
  // Readable by the server's user, whatever the umask. It holds no secret.
  await chmod(draft, 0o644);
  await rename(draft, path);
  return path;
}

/** Removes the sockets that killed servers left in a cluster on which none runs. */
export async function removeStaleSockets({ cluster }: Location): Promise<void> {
  for (const name of await readdir(cluster)) {
    if (name.startsWith(SOCKET_NAME)) await rm(join(cluster, name), { recursive: true, force: true });
  }
}
