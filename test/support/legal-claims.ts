/** A test that proves a sentence: its file, and a part of its title. */
export type Proof = readonly [file: string, title: string];

const SESSIONS = 'test/api/auth/sessions.test.ts';
const LIFECYCLE = 'test/api/accounts/lifecycle.test.ts';
const ACCOUNT = 'test/api/accounts/account.test.ts';
const MEMBERSHIP = 'test/api/billing/membership.test.ts';
const LINKS = 'test/api/keys/activation-links.test.ts';
const LEGAL = 'test/legal.test.ts';
const PLANS: Proof = ['test/api/limits/plans.test.ts', 'returns price and limits of each plan without a key'];
const RECEIPTS: Proof = [LIFECYCLE, 'delete an account again that a restored backup brought back'];
const EXPORT: Proof = ['test/api/transfer/export.test.ts', 'contains all data of the account'];
const RLS: Proof = ['test/db/row-level-security.test.ts', 'sees all rows of the current tenant and none of another'];
const DIGESTS: Proof = [SESSIONS, 'has a cookie of 256 random bits, of which only the SHA-256 is stored'];
const REVOKED: Proof = ['test/api/keys/revocation.test.ts', 'never accepts a key again after rejecting it'];
const LOG: Proof = ['test/e2e/log.test.ts', 'log at level trace'];
const SALT: Proof = ['test/api/limits/ip-rate-limiter.test.ts', 'counts by a hash of the address'];
const BACKUPS: Proof = ['test/api/backup/backup.test.ts', 'taken under load is one moment of the database'];
const ADMIN: Proof = ['test/api/operator/users.test.ts', 'without secrets and contents of memories'];
const PERIOD_END: Proof = [MEMBERSHIP, 'that is canceled at the end of its period keeps its access'];
const SUBPROCESSORS: Proof = [LEGAL, 'are those of the settings, and no hosts of the own network'];
const STATUS: Proof = [LEGAL, '/status says how the service works'];
const FIGURES: Proof = [LEGAL, 'are those of the code, and as agreed'];
const KILLED: Proof = ['test/e2e/kill.test.ts', 'lose no acknowledged write'];
const VERSIONS: Proof = [LEGAL, 'change with them: a changed text has a new TERMS_VERSION'];
const PAGES: Proof = [LEGAL, 'serves the whole text'];

/** The sentences that say what the software does, by their beginnings, each with the tests that prove it. */
export const CLAIMS: Readonly<Record<string, readonly Proof[]>> = {
  'Version of {{version}}': [VERSIONS],
  'WhiteMagic stores what you and your AI agents send': [
    ['test/mcp/end-to-end.test.ts', 'stores a memory in one session and finds it in the next'],
  ],
  'You reach it over MCP and REST': [
    ['test/mcp/end-to-end.test.ts', 'stores a memory in one session'],
    ['test/properties/round-trip.test.ts', 'returns the stored texts'],
  ],
  'What each plan includes': [PLANS],
  'Support is by e-mail': [['test/api/mail/templates.test.ts', 'name the support of the plan']],
  '{{support}}': [PLANS],
  '{{enterprise_support}}': [PLANS],
  'The enterprise plan has a [service level agreement]': [PAGES],
  'If you store personal data of others': [PAGES],
  'The [status page](/status) shows': [STATUS],
  'Your account is created when you buy': [
    [MEMBERSHIP, 'creates an account of its tier with an activation link'],
    ['test/api/auth/sign-in.test.ts', 'creates a free account without a key when SIGNUP is open'],
  ],
  'You get a link that creates your API key': [[LINKS, 'creates one key with all scopes'], FIGURES],
  'A key gives access to everything that its scopes': [
    ['test/api/keys/keys.test.ts', 'creates keys that can call exactly what their scopes allow'],
  ],
  'Prices are on the [home page]': [PLANS],
  'If a payment fails, you keep your plan': [[MEMBERSHIP, 'whose payment fails keeps its access']],
  'You keep what you have paid for': [PERIOD_END],
  'After the end of your last plan': [
    [MEMBERSHIP, 'that ends makes the account read-only until a new purchase'],
    [ACCOUNT, 'can read, search and export over the transports of its last plan, but not write'],
  ],
  'If you buy a plan again within that time': [[ACCOUNT, 'is restored with all data by a new plan']],
  'After it, everything is permanently deleted': [
    [LIFECYCLE, 'deletes nothing, and the next worker deletes everything'],
  ],
  'We remind you by e-mail before': [[LIFECYCLE, 'happens on day 30, after one e-mail each on days 0, 23 and 29']],
  'You can get a copy of everything': [EXPORT],
  'A deletion, too, can be undone': [
    [ACCOUNT, 'restores all data and the keys that were valid before'],
    [ACCOUNT, 'with immediate=true revokes the keys'],
  ],
  'What was acknowledged as stored is stored durably': [KILLED, BACKUPS],
  'You accept these terms when you create a key': [
    [LINKS, 'creates one key with all scopes'],
    [SESSIONS, 'days after the last request'],
    EXPORT,
  ],
  'After a change of their content every browser': [[SESSIONS, 'days after the last request']],
  'How we handle personal data is described': [PAGES],
  'What WhiteMagic stores about you': [[LEGAL, 'has a line for every table of the database']],
  'Server logs contain': [LOG],
  'Your IP address is held in memory': [SALT],
  'Where several servers count together': [SALT],
  'We use no analytics': [
    ['test/api/pages/pages.test.ts', 'has no inline script'],
    ['test/dependencies.test.ts', 'report nothing to third parties'],
  ],
  'The people who run this service can see': [ADMIN],
  'What they change is in your audit log': [
    ['test/api/operator/users.test.ts', 'change plan and limits at once, and are in the audit log'],
  ],
  'An account whose last plan has ended is read-only': [[LIFECYCLE, 'happens on day 30']],
  'If you delete it yourself': [[ACCOUNT, 'requested twice keeps the purge date'], FIGURES],
  'Backups are overwritten in turn': [
    ['test/api/backup/backup.test.ts', 'keeps the archives of 30 days and the newest one'],
    RECEIPTS,
  ],
  'The [list of sub-processors](/legal/subprocessors) names': [SUBPROCESSORS],
  'There are three, all necessary': [[SESSIONS, 'has a cookie with HttpOnly and SameSite=Lax']],
  'One holds a sign-in with Whop': [[SESSIONS, 'must be completed within']],
  'One holds the request of an app': [
    ['test/mcp/oauth.test.ts', 'is accepted only from the browser that the app opened'],
  ],
  'The third keeps you signed in': [[SESSIONS, 'ends the session, deletes the cookie']],
  'You can access and export everything': [EXPORT, [ACCOUNT, 'with immediate=true revokes the keys']],
  'All connections are encrypted': [['test/api/startup/check-settings.test.ts', 'prevents a start in production']],
  'Keys, links and cookies are stored as SHA-256': [
    DIGESTS,
    [LINKS, 'has a token of 256 random bits'],
    ['test/api/keys/keys.test.ts', 'returns the key once, which works immediately and is stored nowhere'],
  ],
  "Each account's rows are separated": [RLS],
  'A key is shown once and never e-mailed': [
    ['test/api/keys/keys.test.ts', 'returns the key once'],
    [LINKS, 'creates one key with all scopes that works immediately, is not cacheable'],
  ],
  'A revoked key is rejected by every server at once': [REVOKED],
  'Availability is measured for each calendar month': [STATUS],
  'The service makes the record itself': [STATUS],
  'The record counts against us': [STATUS],
  '**Durability**': [KILLED],
  'We store, index, search and return the memories': [
    ['test/properties/round-trip.test.ts', 'returns the stored texts'],
  ],
  'The screens of administration show no contents': [ADMIN],
  'Logs contain no contents of memories': [LOG],
  'Client IP addresses are hashed': [SALT],
  'Backups can be encrypted for a key': [['test/api/backup/backup.test.ts', 'a service runs on its restored copy']],
  'You can read, correct, export and delete all memories': [EXPORT],
  'When the contract ends, your account is read-only': [[LIFECYCLE, 'happens on day 30'], FIGURES],
  'A receipt without content proves': [[ACCOUNT, 'then deletes everything but a receipt']],
  'If a backup is restored later': [RECEIPTS],
  'The list is made from the settings': [SUBPROCESSORS],
  '{{subprocessors}}': [SUBPROCESSORS],
};

/** The beginnings of sentences that bind or inform people, and that no program keeps. */
export const WITHOUT_PROOF: readonly string[] = [
  'These terms apply',
  'They are written in plain language',
  'If you use it for a company',
  'Keep keys secret',
  'What is done with your keys',
  'You must be at least 16',
  'What you store stays yours',
  'You grant us only',
  'We do not read it',
  'You may not use the service',
  "Do not store other people's secrets",
  'Payment is handled by Whop',
  'A paid plan renews each month',
  'If we raise a price',
  'You can cancel at any time at Whop',
  '**Refunds are pro-rated.**',
  'The same applies if we end',
  'If you are a consumer',
  'Write to {{contact}}',
  'We run the service with professional care',
  'We aim for continuous availability',
  'We may change the service',
  'If a change removes something',
  'An AI agent may draw',
  'Check what matters',
  'We are liable without limit',
  'For slight negligence',
  'For free plans, liability',
  'You are expected to keep',
  'If a third party makes a claim',
  'We may end a contract',
  'We may make an account read-only',
  'If you seriously breach',
  'Section 6 applies',
  'We may change these terms',
  'We notify you by e-mail',
  'If a part of these terms',
  'The law of the country',
  'Questions:',
  'Contact:',
  '{{contact}}',
  'The controller is {{operator}}',
  'They work under contract',
  'Where one of them is outside',
  'We give data to authorities',
  'Necessary cookies need no consent',
  'Where we rely on legitimate interest',
  'You may complain',
  'Few people have access',
  'If your data is exposed',
  'If this policy changes',
  'It is part of the contract',
  'Not counted are minutes of maintenance',
  '**Availability**',
  '**Support**',
  'If the availability of a month is lower',
  'Credits are deducted',
  'They do not exclude',
  'Between you, the controller',
  'It supplements',
  'The memories contain the personal data',
  'Special categories of data',
  'We process the memories only',
  'If we hold an instruction',
  'We do not use memories',
  'Those of us who have access',
  'You agree to those on',
  'We bind each of them',
  'If a person turns to us',
  'We help with assessments',
  'If personal data that you stored is exposed',
  'We answer your questions',
  'Companies that process data',
  'Whop, where you buy your plan',
];
