import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import type { Config } from '../config.ts';
import type { Email } from './templates.ts';

/** A rendered e-mail with its recipient. The Message-ID is derived from `id`, so that a repeated delivery can be recognized. */
interface OutgoingEmail extends Email {
  id: string;
  to: string;
  date: Date;
}

export interface MailTransport {
  /** Sends an e-mail; stops waiting when `signal` aborts. @throws EmailRejectedError when a retry would not help */
  send(mail: OutgoingEmail, signal?: AbortSignal): Promise<void>;
  /** Address for replies and support; undefined where none is configured. */
  supportEmail?: string | undefined;
  close(): void;
}

/** The mail server rejected an e-mail permanently (a 5xx response). */
export class EmailRejectedError extends Error {}

/** Maximum time without a byte from the mail server. */
const SILENCE_MS = 20_000;
/** Maximum time for one e-mail, as a multiple of that: a server may also respond too slowly. */
const SEND_SILENCES = 3;

/** Opens the configured transport: a mail server, or files in `DATA_DIR/outbox`. */
export function openMailTransport(
  config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'> & { supportEmail?: string | undefined },
): MailTransport {
  const { smtpUrl, mailFrom, supportEmail } = config;
  if (smtpUrl) return smtpTransport(smtpUrl, mailFrom, SILENCE_MS, supportEmail);
  return fileTransport(join(config.dataDir, 'outbox'), mailFrom, supportEmail);
}

/** Sends e-mails through an SMTP server. A server that is silent for `silenceMs` is given up. */
export function smtpTransport(url: string, from: string, silenceMs = SILENCE_MS, supportEmail?: string): MailTransport {
  const mailer = nodemailer.createTransport({
    url,
    dnsTimeout: silenceMs,
    connectionTimeout: silenceMs,
    greetingTimeout: silenceMs,
    socketTimeout: silenceMs,
  });
  return {
    supportEmail,
    async send(mail, stopped) {
      const deadline = AbortSignal.timeout(SEND_SILENCES * silenceMs);
      const signal = stopped ? AbortSignal.any([stopped, deadline]) : deadline;
      try {
        await unlessAborted(mailer.sendMail(message(mail, from, supportEmail)), signal);
      } catch (error) {
        if (isPermanent(error)) throw new EmailRejectedError((error as Error).message, { cause: error });
        throw error;
      }
    },
    close: () => mailer.close(),
  };
}

/** Writes each e-mail to an `.eml` file named by its id; sending it twice overwrites the file. */
function fileTransport(directory: string, from: string, supportEmail?: string): MailTransport {
  const mailer = nodemailer.createTransport({ streamTransport: true, buffer: true });
  return {
    supportEmail,
    async send(mail) {
      const { message: bytes } = await mailer.sendMail(message(mail, from, supportEmail));
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = join(directory, `${mail.id}.eml`);
      await writeFile(`${file}.part`, bytes as Buffer, { mode: 0o600 });
      await rename(`${file}.part`, file);
    },
    close: () => mailer.close(),
  };
}

function message(mail: OutgoingEmail, from: string, replyTo: string | undefined) {
  return {
    from,
    ...(replyTo && { replyTo }),
    to: mail.to,
    date: mail.date,
    messageId: `<${mail.id}@whitemagic>`,
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
  };
}

/** Returns the result of the work, or rejects as soon as the signal aborts. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const settled = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const giveUp = () => reject(new Error('stopped before the mail server responded'));
    // The signal lives as long as the worker, so listeners must be removed.
    signal?.addEventListener('abort', giveUp, { once: true, signal: settled.signal });
    if (signal?.aborted) giveUp();
  });
  return Promise.race([work, aborted]).finally(() => settled.abort());
}

function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error)) return false;
  const code = Number(error.responseCode);
  // 535 and similar codes concern our own credentials, which the operator can fix: they are retried.
  return code >= 550 && code < 560;
}
