import { insertEmail } from '../../db/queries/jobs/outbox.ts';
import type { RequestContext } from '../context.ts';
import type { TemplateData, TemplateName } from './templates.ts';

/** Enqueues an e-mail to the owner of an account in the caller's transaction. Does nothing for an account without an address. */
export async function mailOwner<Name extends TemplateName>(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  owner: { id: string; email: string | null },
  template: Name,
  data: TemplateData<Name>,
): Promise<void> {
  if (owner.email === null) return;
  const mail = { user_id: owner.id, id: context.newId(), recipient: owner.email, template, data };
  await insertEmail(context.sql, { ...mail, created_at: context.now() });
}
