import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import type { Config } from '../config.ts';
import type { Letter } from './templates.ts';

/** A letter with its envelope. The same `id` always makes the same Message-ID, so that a repeat can be told from a second mail. */
export interface Mail extends Letter {
  id: string;
  to: string;
  date: Date;
}

export interface Transport {
  /** Delivers a mail, unless `signal` says to give up waiting. @throws MailRefused when trying again is of no use */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** The mail server refused a mail for good (a 5xx answer). */
export class MailRefused extends Error {}

const SEND_TIMEOUT_MS = 20_000;

/** The transport that the configuration means: its mail server, or files in `DATA_DIR/outbox`. */
export function openTransport(config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'>): Transport {
  if (config.smtpUrl) return smtpTransport(config.smtpUrl, config.mailFrom);
  return fileTransport(join(config.dataDir, 'outbox'), config.mailFrom);
}

/** Sends by a mail server. */
export function smtpTransport(url: string, from: string): Transport {
  const mailer = nodemailer.createTransport({
    url,
    connectionTimeout: SEND_TIMEOUT_MS,
    socketTimeout: SEND_TIMEOUT_MS,
  });
  return {
    async send(mail, signal) {
      try {
        await unlessAborted(mailer.sendMail(message(mail, from)), signal);
      } catch (error) {
        if (isPermanent(error)) throw new MailRefused((error as Error).message, { cause: error });
        throw error;
      }
    },
    close: () => mailer.close(),
  };
}

/** Writes each mail as an `.eml` file, named by its id: sent twice is written once. */
export function fileTransport(directory: string, from: string): Transport {
  const mailer = nodemailer.createTransport({ streamTransport: true, buffer: true });
  return {
    async send(mail) {
      const { message: bytes } = await mailer.sendMail(message(mail, from));
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = join(directory, `${mail.id}.eml`);
      await writeFile(`${file}.part`, bytes as Buffer, { mode: 0o600 });
      await rename(`${file}.part`, file);
    },
    close: () => mailer.close(),
  };
}

function message(mail: Mail, from: string) {
  return {
    from,
    to: mail.to,
    date: mail.date,
    messageId: `<${mail.id}@whitemagic>`,
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
  };
}

/** What the work answers, or an error as soon as the signal comes. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const settled = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const giveUp = () => reject(new Error('stopped while the mail server was still to answer'));
    // The signal lives as long as the worker: what listens to it must not pile up.
    signal?.addEventListener('abort', giveUp, { once: true, signal: settled.signal });
    if (signal?.aborted) giveUp();
  });
  return Promise.race([work, aborted]).finally(() => settled.abort());
}

function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error)) return false;
  const code = Number(error.responseCode);
  // 535 and its like tell of our own log-in, which somebody may mend.
  return code >= 550 && code < 560;
}
