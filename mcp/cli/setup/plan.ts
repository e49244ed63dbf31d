import { READING_TOOLS, SERVER_NAME, UNDOABLE_TOOLS } from '../../client-setup/client-ids.ts';
import type { Client } from '../../client-setup/clients.ts';
import type { Connection, Edit, Folders } from '../../client-setup/edits.ts';
import { configFile } from './detect.ts';

/** Tools that clients run without a question: none, those that read, or also those that can be undone. */
export const ALLOWANCES = ['none', 'read', 'write'] as const;
export type Allowance = (typeof ALLOWANCES)[number];

/** Returns the names of the tools of an allowance. */
export function toolsOf(allowance: Allowance): readonly string[] {
  if (allowance === 'none') return [];
  return allowance === 'read' ? READING_TOOLS : [...READING_TOOLS, ...UNDOABLE_TOOLS];
}

/** Returns the edits that connect a client to the service. */
export function connectEdits(
  client: Client,
  folders: Folders,
  connection: Connection,
  tools: readonly string[],
): Edit[] {
  return [
    {
      kind: 'set',
      format: client.format,
      file: configFile(client, folders),
      at: [...client.serversAt, SERVER_NAME],
      value: client.entry(connection, tools),
    },
    ...(tools.length > 0 ? (client.allow?.(folders, tools) ?? []) : []),
  ];
}

/** Returns the edits that, taken back, remove everything that `setup` may have added to a client. */
export function removableEdits(client: Client, folders: Folders): Edit[] {
  const nothing: Connection = { via: 'bridge', command: '', args: [], env: {} };
  return [...new Set(client.files(folders))]
    .flatMap((file): Edit[] => [
      {
        kind: 'set',
        format: client.format,
        file,
        at: [...client.serversAt, SERVER_NAME],
        value: client.entry(nothing, []),
      },
    ])
    .concat(client.allow?.(folders, toolsOf('write')) ?? []);
}

/** Where to reach the service, and how. */
export interface Reach {
  url: string;
  key: string;
  project?: string | undefined;
  /** Write the address and the key into the file of the client, instead of the bridge. */
  isDirect: boolean;
}

/** Returns the connection of a client. One that cannot send a header gets the bridge. */
export function connectionOf(
  client: Client,
  reach: Reach,
  bridge: { command: string; args: string[]; env: Record<string, string> },
): Connection {
  const { url, key, project, isDirect } = reach;
  if (isDirect && client.hasHttp) return { via: 'http', url, authorization: `Bearer ${key}`, project };
  const { command, args, env } = bridge;
  // The key is not here: the bridge reads it from the file of "whitemagic login".
  return {
    via: 'bridge',
    command,
    args,
    env: { WHITEMAGIC_URL: url, ...(project !== undefined && { WHITEMAGIC_PROJECT: project }), ...env },
  };
}
