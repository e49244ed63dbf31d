import type { InputOf } from '../../api/client.ts';

export type EventType = NonNullable<InputOf<'webhooks.create'>['events']>[number];

/** The events that a webhook can take, in words. */
const LABELS: Record<EventType, string> = {
  'memory.created': 'A memory is stored',
  'memory.updated': 'A memory is changed',
  'memory.archived': 'A memory is archived',
  'memory.restored': 'A memory is restored',
  'memory.deleted': 'A memory is deleted',
  'consolidation.completed': 'Memories are consolidated',
  'usage.threshold': 'Usage reaches 80 % or 100 %',
  'key.created': 'A key is created',
  'key.rotated': 'A key is rotated',
  'key.revoked': 'A key is revoked',
  'import.completed': 'An import is complete',
  'export.ready': 'An export is ready',
};

export const EVENTS = (Object.keys(LABELS) as EventType[]).map((type) => ({ type, label: LABELS[type] }));
