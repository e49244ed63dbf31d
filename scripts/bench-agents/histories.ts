/** Facts that a coding agent learned of one project in several weeks, and questions of later sessions. */
export interface History {
  project: string;
  /** Facts in the order in which they were learned: a title and a text. */
  facts: [string, string][];
  /** Facts that replace an earlier one, by its title. */
  corrections: [title: string, text: string, replaces: string][];
  /** Questions of later sessions in other words than the fact, a text that only the needed fact has, and one of its outdated form. */
  questions: { ask: string; needed: string; outdated?: string }[];
  /** Parts of the project, for notes on progress. */
  parts: string[];
}

/** Ten histories, written for this benchmark. */
export const HISTORIES: History[] = [
  {
    project: 'acme/shop',
    facts: [
      [
        'Deployment day',
        'Releases of the shop go out on Thursday mornings, never on Friday, because support is thin at weekends.',
      ],
      [
        'Money as cents',
        'Prices are stored as integer cents in amount_cents; floats caused a rounding loss of 3.20 EUR in the May invoice run.',
      ],
      [
        'Checkout lock',
        'The double charge came from two tabs; checkout now takes a Redis lock named checkout:{cart} for 20 seconds.',
      ],
      ['Test card', 'Use card 4000-0025-0000-3155 in the sandbox to see the 3-D Secure dialog.'],
      [
        'Index on orders',
        'The order list was slow without the index orders_customer_created; it fell from 1.9 s to 40 ms.',
      ],
      ['Search provider', 'Product search runs on Typesense; Elasticsearch was dropped for its memory use.'],
    ],
    corrections: [
      [
        'Deployment day changed',
        'Since the move to canaries releases of the shop go out daily at 10:00, Fridays too.',
        'Deployment day',
      ],
    ],
    questions: [
      { ask: 'When may I ship a new version to production?', needed: 'daily at 10:00', outdated: 'Thursday mornings' },
      { ask: 'Which data type do amounts of currency have in the database?', needed: 'amount_cents' },
      { ask: 'How did we stop customers from being billed twice?', needed: 'checkout:{cart}' },
      { ask: 'How can I trigger the bank authentication popup locally?', needed: '4000-0025-0000-3155' },
      { ask: 'What engine finds products, and why that one?', needed: 'Typesense' },
    ],
    parts: ['cart', 'invoice', 'catalog', 'voucher'],
  },
  {
    project: 'acme/mobile',
    facts: [
      [
        'State library',
        'The app uses Zustand for state; Redux was removed in week two as too much ceremony for three screens.',
      ],
      ['Android minimum', 'minSdk is 26, since the Bluetooth stack of older phones loses bonds.'],
      [
        'Crash on resume',
        'The crash on resume was a camera handle kept in onPause; CameraHolder.release() must run there.',
      ],
      ['Icons', 'Icons come from the Figma file Glyphs v3 by the script pull-glyphs, never by hand.'],
      ['Push tokens', 'Push tokens are refreshed at each login, because Firebase rotates them silently.'],
      ['Beta channel', 'Testers get builds through Firebase App Distribution in the group kitchen-table.'],
    ],
    corrections: [
      ['Android minimum raised', 'minSdk is 29 now: scoped storage let us delete 900 lines.', 'Android minimum'],
    ],
    questions: [
      { ask: 'What is the oldest phone system that we support?', needed: 'minSdk is 29', outdated: 'minSdk is 26' },
      { ask: 'App dies when coming back from the background, what was the reason?', needed: 'CameraHolder.release()' },
      { ask: 'How do I add a new pictogram?', needed: 'pull-glyphs' },
      { ask: 'Who receives preview builds and how?', needed: 'kitchen-table' },
      { ask: 'Which store holds the data of the user interface?', needed: 'Zustand' },
    ],
    parts: ['camera', 'login', 'sync', 'settings'],
  },
  {
    project: 'orbit/telemetry',
    facts: [
      [
        'Clock drift',
        'Probes send times of their own clock; correct them with offset_ms of the last heartbeat before storing.',
      ],
      ['Retention', 'Raw samples are kept for 14 days, hourly means for five years.'],
      ['Compression', 'Batches use zstd level 3; level 9 doubled the CPU for 4 % less bytes.'],
      ['Backpressure', 'The ingest answers 429 above 200 pending batches, and probes then wait with jitter.'],
      ['Unit of temperature', 'All temperatures are kelvin inside; only the dashboard converts.'],
      ['Flaky test', 'test_rollup was flaky by daylight saving; it pins TZ=UTC now.'],
    ],
    corrections: [
      [
        'Retention shortened',
        'Raw samples are kept for 7 days since the disk alarm; means are unchanged.',
        'Retention',
      ],
    ],
    questions: [
      {
        ask: 'How long can I look at unaggregated measurements?',
        needed: 'kept for 7 days',
        outdated: 'kept for 14 days',
      },
      { ask: 'Timestamps of devices are wrong by some seconds, what do we do about it?', needed: 'offset_ms' },
      { ask: 'In which scale is heat stored?', needed: 'kelvin' },
      { ask: 'Why do we not squeeze payloads harder?', needed: 'zstd level 3' },
      { ask: 'What happens when too much data arrives at once?', needed: '200 pending batches' },
    ],
    parts: ['ingest', 'rollup', 'alerts', 'probe'],
  },
  {
    project: 'nora/blog',
    facts: [
      ['Generator', 'The site is built with Eleventy 3; Hugo was slower to theme for Nora.'],
      [
        'Drafts',
        'Drafts have draft: true and are shown at preview.nora.example with the password from the vault entry blog-preview.',
      ],
      ['Image sizes', 'Images are made in 640, 1280 and 1920 px as AVIF by the shortcode pic.'],
      ['Tone', 'Nora wants short sentences, no exclamation marks, and British spelling.'],
      ['Feed', 'The feed is at /feed.xml and must keep its old ids, or readers show all posts again.'],
      ['Fonts', 'Fonts are hosted by us: the lawyer forbade calls to Google Fonts.'],
    ],
    corrections: [
      [
        'Generator replaced',
        'The site is built with Astro 6 since the Eleventy plugin for images was abandoned.',
        'Generator',
      ],
    ],
    questions: [
      { ask: 'Which tool renders the pages of the website?', needed: 'Astro 6', outdated: 'built with Eleventy 3' },
      { ask: 'How should I write texts for her?', needed: 'British spelling' },
      { ask: 'May I load typefaces from another server?', needed: 'lawyer forbade' },
      { ask: 'Where can an unpublished article be read?', needed: 'blog-preview' },
      { ask: 'What must not change for subscribers?', needed: 'old ids' },
    ],
    parts: ['archive', 'theme', 'newsletter', 'gallery'],
  },
  {
    project: 'bank/ledger',
    facts: [
      ['Append only', 'Postings are never updated; a mistake is reversed by a second posting with reverses_id.'],
      ['Isolation', 'Transfers run at SERIALIZABLE and are retried on 40001 up to five times.'],
      ['Rounding', 'Interest is rounded half to even, as the auditor Mrs. Okafor demanded.'],
      ['Audit export', 'Auditors get a CSV of the quarter by the job quarter-dump, signed with the key audit-2026.'],
      ['Holidays', 'Business days come from the TARGET2 calendar, not from the national one.'],
      ['Naming', 'Tables are singular: posting, account, transfer.'],
    ],
    corrections: [
      [
        'Isolation lowered',
        'Transfers run at READ COMMITTED with row locks in id order; SERIALIZABLE failed under load.',
        'Isolation',
      ],
    ],
    questions: [
      {
        ask: 'How do concurrent payments stay correct?',
        needed: 'row locks in id order',
        outdated: 'run at SERIALIZABLE and are',
      },
      { ask: 'A booking is wrong, how do I fix it?', needed: 'reverses_id' },
      { ask: 'How are fractions of a cent treated?', needed: 'half to even' },
      { ask: 'On which days is money moved?', needed: 'TARGET2' },
      { ask: 'How do examiners receive our records?', needed: 'quarter-dump' },
    ],
    parts: ['posting', 'interest', 'statement', 'limit'],
  },
  {
    project: 'lab/vision',
    facts: [
      ['Best checkpoint', 'The best detector is run-0412 with mAP 0.613; later runs overfit.'],
      ['Label noise', 'Folder batch_17 has swapped labels of truck and bus; it is excluded in splits.yaml.'],
      ['GPU memory', 'Batch size 24 fits on the A10 only with gradient checkpointing.'],
      ['Augmentation', 'Vertical flips hurt, since cameras hang upright; use horizontal flips only.'],
      ['Metric', 'The customer judges by recall at 0.5 false alarms an hour, not by mAP.'],
      ['Seeds', 'Results are means over the seeds 3, 7 and 11.'],
    ],
    corrections: [
      [
        'Best checkpoint renewed',
        'The best detector is run-0587 with mAP 0.641, trained without batch_17.',
        'Best checkpoint',
      ],
    ],
    questions: [
      { ask: 'Which weights should be deployed?', needed: 'run-0587', outdated: 'run-0412' },
      { ask: 'Is part of the training data bad?', needed: 'swapped labels' },
      { ask: 'How is success measured by the client?', needed: 'false alarms an hour' },
      { ask: 'Out of memory while training, what helps?', needed: 'gradient checkpointing' },
      { ask: 'Should pictures be mirrored upside down?', needed: 'horizontal flips only' },
    ],
    parts: ['loader', 'trainer', 'export', 'viewer'],
  },
  {
    project: 'city/bikes',
    facts: [
      ['Map tiles', 'Tiles come from our own tileserver at :8088; the public one banned us in June.'],
      ['Geofence', 'Bikes outside the polygon ring-2 cannot be locked; the rider sees code L7.'],
      ['Pricing', 'The first ten minutes are free, then 12 cents a minute.'],
      ['Dock firmware', 'Docks below firmware 5.2 send the battery level twice; deduplicate by seq.'],
      ['Languages', 'Texts are in German, Turkish and English, in locales/*.ftl.'],
      ['On-call', 'At night call the van team first, number in the vault entry van-phone.'],
    ],
    corrections: [
      ['Pricing changed', 'From the spring season the first five minutes are free, then 15 cents a minute.', 'Pricing'],
    ],
    questions: [
      { ask: 'What does a ride cost?', needed: '15 cents', outdated: '12 cents' },
      { ask: 'Customer cannot end the trip and sees a strange code', needed: 'ring-2' },
      { ask: 'Why do we see repeated charge readings from stations?', needed: 'deduplicate by seq' },
      { ask: 'Where does the background of the map come from?', needed: ':8088' },
      { ask: 'Whom do I reach in an emergency after midnight?', needed: 'van-phone' },
    ],
    parts: ['rides', 'docks', 'map', 'payments'],
  },
  {
    project: 'zed/compiler',
    facts: [
      [
        'Parser choice',
        'The parser is hand-written recursive descent with Pratt for operators; the generator gave poor messages.',
      ],
      ['Error codes', 'Diagnostics have codes E0100 to E0899, listed in diagnostics.toml, and never change meaning.'],
      ['Arena', 'AST nodes live in an arena and are referred to by u32 ids, which halved the memory.'],
      ['Fuzzing', 'The fuzzer runs nightly on the host anvil; crashes land in fuzz/found.'],
      ['Stack overflow', 'Deep nesting crashed the checker; it stops at depth 256 with E0431.'],
      ['Edition', 'New keywords need a new edition; the current one is 2026.'],
    ],
    corrections: [
      ['Fuzzing moved', 'The fuzzer runs hourly in CI on the runner pool forge; the host anvil is gone.', 'Fuzzing'],
    ],
    questions: [
      {
        ask: 'Where do random inputs get tried, and how often?',
        needed: 'runner pool forge',
        outdated: 'nightly on the host anvil',
      },
      { ask: 'How is source text turned into a tree?', needed: 'Pratt' },
      { ask: 'Can I reuse the number of a removed warning?', needed: 'never change meaning' },
      { ask: 'Very deep parentheses made it crash, what is the limit?', needed: 'depth 256' },
      { ask: 'How are syntax nodes allocated?', needed: 'u32 ids' },
    ],
    parts: ['lexer', 'checker', 'codegen', 'formatter'],
  },
  {
    project: 'farm/irrigation',
    facts: [
      ['Valve timing', 'Valves need 1.5 s to close; two in a row without a pause break the pump membrane.'],
      ['Soil sensor', 'Sensor values below 180 mean a broken cable, not dry soil.'],
      ['Radio', 'The LoRa gateway uses spreading factor 9; 7 did not reach the barn.'],
      ['Night watering', 'Water only between 22:00 and 05:00, agreed with the water board.'],
      ['Backup power', 'The controller survives 40 minutes on its battery, then saves its plan to flash.'],
      ['Field names', 'Field B2 is called "the long one" by the farmer in voice notes.'],
    ],
    corrections: [
      [
        'Night watering extended',
        'Water between 20:00 and 06:00 in the drought months, by the letter of the water board of July.',
        'Night watering',
      ],
    ],
    questions: [
      { ask: 'At what hours is sprinkling allowed?', needed: '20:00 and 06:00', outdated: '22:00 and 05:00' },
      { ask: 'A reading of 90 came in, is the ground dry?', needed: 'broken cable' },
      { ask: 'Why wait between closing two taps?', needed: 'pump membrane' },
      { ask: 'What did he mean by the long one?', needed: 'Field B2' },
      { ask: 'What happens in a power cut?', needed: 'saves its plan to flash' },
    ],
    parts: ['valves', 'sensors', 'planner', 'gateway'],
  },
  {
    project: 'acme/infra',
    facts: [
      [
        'State of Terraform',
        'Terraform state is in the bucket acme-tf with locking by DynamoDB; never run apply from a laptop.',
      ],
      ['Certificates', 'Certificates renew by cert-manager; the old cron job on gate-1 must stay off.'],
      ['Postgres version', 'Production runs PostgreSQL 16; 17 waits for the extension pg_partman.'],
      ['Secrets', 'Secrets come from Vault by the path kv/acme/{service}; .env files are forbidden.'],
      ['Costs', 'Staging sleeps from 19:00 to 07:00 by the scheduler nightcap, which saves 400 EUR a month.'],
      ['Incident', 'The outage of 3 March was a full inode table on log-2; node_exporter now alerts at 85 %.'],
    ],
    corrections: [
      [
        'Postgres upgraded',
        'Production runs PostgreSQL 18 since the partitions moved to native ones.',
        'Postgres version',
      ],
    ],
    questions: [
      { ask: 'Which release of the database is live?', needed: 'PostgreSQL 18', outdated: 'PostgreSQL 16' },
      { ask: 'Why is the test environment down in the evening?', needed: 'nightcap' },
      { ask: 'Where do passwords of a program belong?', needed: 'kv/acme/' },
      { ask: 'May I roll out infrastructure changes from my machine?', needed: 'never run apply' },
      { ask: 'What caused the downtime in spring?', needed: 'inode table' },
    ],
    parts: ['network', 'cluster', 'monitoring', 'backup'],
  },
];

const ACTIONS = [
  'split the module and moved its tests',
  'updated the dependencies and fixed two warnings',
  'renamed helpers and removed dead code',
  'added a test for the empty case',
  'reviewed the open branch and answered comments',
  'profiled it; nothing stood out',
];

/** Returns notes on progress, which agents store beside facts and later sessions do not need: one a day of six weeks. */
export function progressOf({ parts }: History): [string, string][] {
  return Array.from({ length: 42 }, (_, day): [string, string] => {
    const part = parts[day % parts.length] as string;
    const action = ACTIONS[day % ACTIONS.length] as string;
    return [
      `Progress day ${day + 1}`,
      `Day ${day + 1}: worked on ${part}; ${action}. Next: ${parts[(day + 1) % parts.length]}, then the list of day ${day + 2}.`,
    ];
  });
}
