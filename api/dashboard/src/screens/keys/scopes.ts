import type { InputOf } from '../../api/client.ts';

export type Scope = NonNullable<InputOf<'keys.create'>['scopes']>[number];

/** Scopes with the words for what they allow. */
export const SCOPES: readonly { scope: Scope; label: string }[] = [
  { scope: 'memories:read', label: 'Find and read memories' },
  { scope: 'memories:write', label: 'Store, change and delete memories' },
  { scope: 'account:read', label: 'See usage, keys and the account' },
  { scope: 'keys:write', label: 'Make and revoke keys' },
];
