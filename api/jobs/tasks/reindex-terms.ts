import { reindexTerms } from '../../memories/reindex-terms.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Indexes memories again after an upgrade that changed the tokenizer. */
export const reindexTermsTask = defineTask({
  name: 'reindex_terms',
  schedule: { cron: '*/10 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, log }) {
    const memories = await reindexTerms(database);
    if (memories > 0) log.info({ memories }, 'memories were indexed again by the current tokenizer');
  },
});
