import type { TestService } from './service.ts';

/** A stored usage event. */
interface StoredEvent {
  id: string;
  operation: string;
  method: string;
  status: number;
  billable: boolean;
  transport: string;
  duration_ms: number;
  bytes_in: number;
  bytes_out: number;
  units: number;
  tokens: number | null;
  api_key_id: string | null;
}

/** Returns the usage events of a user, oldest first. */
export async function eventsOf(node: TestService, userId: string): Promise<StoredEvent[]> {
  const { rows } = await node.service.database.owner.query<StoredEvent>(
    'select * from usage_events where user_id = $1 order by at, id',
    [userId],
  );
  return rows;
}
