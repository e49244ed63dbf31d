import { created, memory } from '../../api/contracts/memory.ts';

// The fields that writing tools return to programs: those that the caller does not know yet, and no stored text.

export const shownMemory = memory.pick({ id: true, type: true, status: true, version: true });

export const shownCreated = created.pick({
  id: true,
  type: true,
  version: true,
  deduplicated: true,
  similar: true,
  changed: true,
});
