import { v7 as uuidv7 } from 'uuid';
import { runImport } from '../../api/transfer/import/run-import.ts';
import type { Json } from './client.ts';
import type { TestUser } from './service.ts';

export const importClock = { now: () => new Date(), newId: () => uuidv7() };

/** Runs the job of an import until it has nothing more to do. */
export async function finishImport(user: TestUser, id: string): Promise<Json> {
  for (;;) {
    await runImport(user.database, importClock, user.userId, id);
    const { body } = await user.api.get(`/import/${id}`);
    if (!['checking', 'importing'].includes(body.status)) return body;
  }
}

/** Imports a file that is sent with the request, and returns the state at the end. */
export async function importFile(
  user: TestUser,
  file: string | Buffer,
  options: Record<string, unknown> = {},
): Promise<Json> {
  const content = typeof file === 'string' ? { content: file } : { data: file.toString('base64') };
  const { status, body } = await user.api.post('/import', { dry_run: false, ...content, ...options });
  if (status !== 201) throw new Error(`the import did not start: ${JSON.stringify(body)}`);
  return finishImport(user, body.id);
}

/** Uploads a file in parts and returns the id of its import. */
export async function uploadFile(user: TestUser, file: Buffer, options: Record<string, unknown> = {}): Promise<string> {
  const { id } = (await user.api.post('/import', options)).body;
  const size = 524_288;
  for (let n = 0; n * size < file.length; n++) {
    const data = file.subarray(n * size, (n + 1) * size).toString('base64');
    const { status, body } = await user.api.put(`/import/${id}/chunks/${n}`, { data });
    if (status !== 200) throw new Error(`part ${n} was not stored: ${JSON.stringify(body)}`);
  }
  return id;
}

/** Returns all memories of a user, archived ones too, by title. */
export async function memoriesOf(user: TestUser): Promise<Map<string, Json>> {
  const memories = new Map<string, Json>();
  let cursor: string | null = '';
  do {
    const { body } = await user.api.get(
      `/memories?status=all&include_superseded=true&include_expired=true&limit=200&include=content${cursor && `&cursor=${cursor}`}`,
    );
    for (const memory of body.results) memories.set(memory.title, memory);
    cursor = body.next_cursor;
  } while (cursor !== null);
  return memories;
}
