import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

interface ReceivedMail {
  messageId: string;
  to: string[];
  source: string;
}

/** An SMTP server that records the e-mails it accepts. */
export interface MailSink {
  /** Value for SMTP_URL. */
  url: string;
  /** Accepted e-mails, including repeated ones. */
  received: ReceivedMail[];
  /** Number of e-mails received, including rejected ones. */
  offered(): number;
  /** Sets the response to the next e-mails: accepted, or an error code. */
  behave(how: 'accept' | number): void;
  /** Delays the response to the next e-mails until the returned function is called. */
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
    // Connections still open at the end are closed.
    closeTimeout: 100,
    onData(stream, session, respond) {
      let source = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        source += text;
      });
      stream.on('end', async () => {
        offered++;
        await held;
        if (how !== 'accept') {
          respond(Object.assign(new Error('rejected'), { responseCode: how }));
          return;
        }
        const messageId = /^message-id: *(<.+>)/im.exec(source)?.[1] ?? '';
        received.push({ messageId, to: session.envelope.rcptTo.map(({ address }) => address), source });
        respond();
      });
    },
  });
  // A sender may be killed while it sends.
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
