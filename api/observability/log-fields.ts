/** The fields of a request's line in the log, in words. The privacy policy lists them; a line has no others. */
export const LOG_FIELDS = {
  request_id: 'a request id',
  method: 'the method',
  path: 'the path without secrets and without the query',
  status: 'the status',
  duration_ms: 'the duration',
  operation: 'the operation',
  user_id: "the account's id",
  key_id: "the key's id",
  session_id: "the session's id",
  transport: 'the transport',
} as const;

/** A request's line in the log. */
export type LogLine = Partial<Record<keyof typeof LOG_FIELDS, string | number | null>>;
