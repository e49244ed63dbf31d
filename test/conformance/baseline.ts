/** Reasons for which a check of the suites cannot apply to this server. */
const REASONS = {
  stream:
    'Responses are single JSON objects without sessions: no tool needs a notification or a question before its result.',
  logging: 'The server sends no log messages; logging is deprecated since 2026-07-28.',
  subscribe: 'Nothing can be subscribed to: lists change with a release only. Removed in 2026-07-28.',
  session: 'There are no sessions to end, so the check is skipped.',
  state: 'The server keeps no state between rounds: all that a second round needs is in its arguments.',
  tasks: 'The tasks extension is not offered: every call ends within seconds.',
  headers: 'No tool asks for its arguments as headers.',
} as const;

export type Reason = (typeof REASONS)[keyof typeof REASONS];

const all = (reason: Reason, ...checks: string[]): Record<string, Reason> =>
  Object.fromEntries(checks.map((check) => [check, reason]));

const SESSIONS = all(
  REASONS.stream,
  'tools-call-with-progress',
  'tools-call-sampling',
  'tools-call-elicitation',
  'elicitation-sep1034-defaults',
  'elicitation-sep1330-enums',
  'server-sse-multiple-streams',
  'server-sse-polling',
);

const OLDER = {
  ...SESSIONS,
  ...all(REASONS.logging, 'logging-set-level', 'tools-call-with-logging'),
  ...all(REASONS.subscribe, 'resources-subscribe', 'resources-unsubscribe'),
};

interface Suite {
  title: string;
  /** Folder of the package. */
  package: string;
  args: string[];
  /** The scenarios, or checks of a scenario (`scenario: check`), that do not pass, each with its reason. */
  baseline: Readonly<Record<string, Reason>>;
  /** Scenarios of the suite. */
  scenarios: number;
  /** Scenarios that need no fixture, and pass on the service itself. */
  onService: readonly string[];
}

const SERVICE_OLDER = [
  'server-initialize',
  'ping',
  'tools-list',
  'resources-list',
  'prompts-list',
  'completion-complete',
  'dns-rebinding-protection',
];

export const SUITES: readonly Suite[] = [
  {
    title: 'suite 0.1.16',
    package: 'conformance-older',
    args: ['--suite', 'all'],
    baseline: OLDER,
    scenarios: 32,
    onService: SERVICE_OLDER,
  },
  {
    title: 'suite 0.2.0, requirements of 2025-11-25',
    package: '@modelcontextprotocol/conformance',
    args: ['--requirements', '2025-11-25'],
    baseline: { ...OLDER, ...all(REASONS.session, 'server-session-lifecycle') },
    scenarios: 33,
    onService: SERVICE_OLDER,
  },
  {
    title: 'suite 0.2.0, requirements of 2026-07-28',
    package: '@modelcontextprotocol/conformance',
    args: ['--requirements', '2026-07-28'],
    baseline: {
      ...all(
        REASONS.stream,
        'tools-call-with-progress',
        'server-stateless: sep-2575-http-server-no-independent-requests-on-stream',
      ),
      ...all(REASONS.logging, 'server-stateless: sep-2575-server-no-log-without-loglevel'),
      ...all(
        REASONS.subscribe,
        'server-stateless: sep-2575-server-sends-prompts-list-changed-on-subscription',
        'server-stateless: sep-2575-server-sends-tools-list-changed-on-subscription',
      ),
      ...all(
        REASONS.state,
        'input-required-result-request-state',
        'input-required-result-multiple-input-requests',
        'input-required-result-multi-round',
        'input-required-result-tampered-state',
      ),
      ...all(
        REASONS.tasks,
        'tasks-lifecycle',
        'tasks-capability-negotiation',
        'tasks-wire-fields',
        'tasks-request-state-removal',
        'tasks-mrtr-input',
        'tasks-request-headers',
        'tasks-dispatch-and-envelope',
        'tasks-status-notifications',
        'tasks-required-task-error',
        'tasks-mrtr-composition',
      ),
      ...all(REASONS.headers, 'http-custom-header-server-validation'),
    },
    scenarios: 50,
    onService: [
      'tools-list',
      'resources-list',
      'prompts-list',
      'completion-complete',
      'sep-2164-resource-not-found',
      'dns-rebinding-protection',
      'http-header-validation',
      'server-sse-multiple-streams',
    ],
  },
];
