import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  messageId: string;
  to: string[];
  source: string;
}

/** A mail server that keeps what it accepts. */
export interface MailSink {
  /** For SMTP_URL. */
  url: string;
  /** What it has accepted, a repeat again. */
  received: ReceivedMail[];
  /** How many mails were offered, refused ones too. */
  offered(): number;
  /** What it does with the next mails: accepts them, or answers with this code. */
  behave(how: 'accept' | number): void;
  /** Takes all of the next mails and says nothing, until the function that this answers is called. */
  hold(): () => void;
  close(): Promise<void>;
}

export async function startMailSink(): Promise<MailSink> {
  const received: ReceivedMail[] = [];
  let how: 'accept' | number = 'accept';
  let held = Promise.resolve();
  let offered = 0;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    authOptional: true,
    // Whoever still waits for an answer at the end is hung up on.
    closeTimeout: 100,
    onData(stream, session, answer) {
      let source = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        source += text;
      });
      stream.on('end', async () => {
        offered++;
        await held;
        if (how !== 'accept') {
          answer(Object.assign(new Error('not this one'), { responseCode: how }));
          return;
        }
        const messageId = /^message-id: *(<.+>)/im.exec(source)?.[1] ?? '';
        received.push({ messageId, to: session.envelope.rcptTo.map(({ address }) => address), source });
        answer();
      });
    },
  });
  // A sender that is killed in the middle of a mail.
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    offered: () => offered,
    behave(next) {
      how = next;
    },
    hold() {
      let release: () => void = () => undefined;
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
