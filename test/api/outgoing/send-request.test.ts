import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../api/outgoing/public-address.ts';
import { describeUrlProblem, sendRequest } from '../../../api/outgoing/send-request.ts';

const LIMITS = { timeoutMs: 5_000, bytesMax: 100 };
const LOCAL = { allowPrivate: true };

let server: Server;
let url: string;
const seen: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url === '/redirect') response.writeHead(302, { Location: '/secret' }).end();
    else if (request.url === '/endless') {
      const timer = setInterval(() => response.write('x'.repeat(1_000)), 1);
      response.on('close', () => clearInterval(timer));
    } else if (request.url !== '/silent') response.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('outgoing requests', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::',
    '::1',
    'fe80::1',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '2001:0:1::',
    'not an address',
  ])('reject the address %s', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])('allow the address %s', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    'http://example.com/',
    'ftp://example.com/',
    `https://user${':secret'}@example.com/`,
    'https://localhost/',
    'https://db.internal/',
    'https://service.local./',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'no url',
  ])('reject the URL %s before they connect', async (text) => {
    expect(describeUrlProblem(text, { allowPrivate: false })).toMatch(/^must/);
    await expect(sendRequest(text, LIMITS, { allowPrivate: false })).rejects.toMatchObject({ failure: 'rejected' });
  });

  it('connect to the address that they checked, whatever the name has afterwards', async () => {
    let lookups = 0;
    const rebinding = async () => (++lookups === 1 ? ['127.0.0.1'] : ['203.0.113.9']);
    const { port } = new URL(url);
    const policy = { ...LOCAL, resolve: rebinding };
    expect((await sendRequest(`http://rebinding.example:${port}/`, LIMITS, policy)).body.toString()).toBe('hello');
    expect(lookups).toBe(1);
  });

  it.each([[['127.0.0.1']], [['8.8.8.8', '10.0.0.1']], [['::ffff:127.0.0.1']]])(
    'reject a host with the addresses %s',
    async (addresses) => {
      const before = seen.length;
      const policy = { allowPrivate: false, resolve: async () => addresses };
      const sent = sendRequest(`https://example.com:${new URL(url).port}/`, LIMITS, policy);
      await expect(sent).rejects.toMatchObject({ failure: 'rejected' });
      expect(seen.length).toBe(before);
    },
  );

  it('follow no redirect', async () => {
    expect(await sendRequest(`${url}/redirect`, LIMITS, LOCAL)).toMatchObject({ status: 302 });
    expect(seen).not.toContain('GET /secret');
  });

  it('read no more of a response than their limit', async () => {
    const { body, isTruncated } = await sendRequest(`${url}/endless`, LIMITS, LOCAL);
    expect([body.length, isTruncated]).toEqual([100, true]);
  });

  it('end at their time limit, and say why no response came', async () => {
    const silent = sendRequest(`${url}/silent`, { ...LIMITS, timeoutMs: 50 }, LOCAL);
    await expect(silent).rejects.toMatchObject({
      failure: 'timeout',
      message: 'No whole response within 0.05 seconds.',
    });
    const closed = sendRequest('http://127.0.0.1:1/', LIMITS, LOCAL);
    await expect(closed).rejects.toMatchObject({ failure: 'connection_failed' });
    const unknown = sendRequest('http://unknown.example/', LIMITS, { ...LOCAL, resolve: async () => [] });
    await expect(unknown).rejects.toMatchObject({ failure: 'not_resolved' });
  });
});
