import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { smtpTransport } from '../../../api/mail/transport.ts';

const mail = { id: 'a', to: 'to@example.com', date: new Date(), subject: 'S', text: 'T', html: '<p>T</p>' };

describe('mail server', () => {
  it.each([
    ['accepts a connection and stays silent', () => undefined],
    ['greets and stays silent', (write: (line: string) => void) => write('220 ready\r\n')],
    ['responds a little at a time', (write: (line: string) => void) => setInterval(write, 20, '220-still\r\n').unref()],
  ])('that %s is given up', async (_what, behave) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      behave((line) => socket.write(line));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const transport = smtpTransport(`smtp://127.0.0.1:${port}`, 'from@example.com', 100);
    await expect(transport.send(mail)).rejects.toThrow();
    transport.close();
    server.close();
  });
});
