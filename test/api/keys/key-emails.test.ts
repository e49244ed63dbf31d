import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addKey, addUser, requireUser } from '../../../api/accounts/admin.ts';
import type { RequestContext } from '../../../api/context.ts';
import { issueActivationLink, redeemActivationLink } from '../../../api/keys/activation-links.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

/** Returns the e-mails to an address, oldest first. */
async function mailsTo(address: string) {
  const { rows } = await node.service.database.owner.query(
    'select template, data from outbox where recipient = $1 order by created_at, id',
    [address],
  );
  return rows;
}

const asAdmin = <T>(work: (context: RequestContext) => Promise<T>) =>
  node.service.database.ownerWrite((sql) => work({ sql, now: () => new Date(), newId: () => uuidv7() }));

describe('e-mail about a new key', () => {
  it('is sent for a rotation, with both keys and the end of the old one, and contains no key', async () => {
    const email = 'rotates@example.com';
    const user = await node.newUser({ email });
    const { body: key } = await user.api.post('/user/keys', { name: 'laptop' });
    const { body: next } = await user.api.post(`/user/keys/${key.id}/rotate`, { grace_seconds: 3_600 });
    const mails = await mailsTo(email);
    expect(mails).toMatchObject([
      { template: 'key_created', data: { name: 'laptop', last4: key.last4 } },
      {
        template: 'key_rotated',
        data: {
          name: 'laptop',
          last4: next.last4,
          previous_last4: key.last4,
          previous_until: next.previous_key_expires_at,
        },
      },
    ]);
    expect(JSON.stringify(mails)).not.toContain(next.api_key);
  });

  it('is sent for a key from an activation link', async () => {
    const email = 'activates@example.com';
    const user = await node.newUser({ email });
    const { token } = await asAdmin((context) => issueActivationLink(context, user.userId));
    const redeemed = await asAdmin((context) => redeemActivationLink(context, token, 'test'));
    expect(redeemed.state).toBe('redeemed');
    expect(await mailsTo(email)).toMatchObject([{ template: 'key_created', data: { name: 'Default API Key' } }]);
  });

  it('is sent for keys that the operator makes', async () => {
    const email = 'operated@example.com';
    const { user_id } = await asAdmin((context) => addUser(context, { email, plan: 'pro', keyEnvironment: 'test' }));
    await asAdmin(async (context) =>
      addKey(context, await requireUser(context, user_id), { name: 'by hand', keyEnvironment: 'test' }),
    );
    expect((await mailsTo(email)).map(({ data }) => data.name)).toEqual(['Default API Key', 'by hand']);
  });
});
