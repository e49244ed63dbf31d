/** Decoded parts of an e-mail. */
export interface MailParts {
  subject: string;
  text: string;
  html: string;
}

/** Decodes a `multipart/alternative` e-mail. @throws Error for any other content type */
export function mailParts(source: string): MailParts {
  const [head = '', body = ''] = splitHead(source);
  const boundary = /boundary="([^"]+)"/.exec(head)?.[1];
  if (!boundary || !/^content-type: multipart\/alternative/im.test(head)) throw new Error('not multipart/alternative');
  const parts = body.split(`--${boundary}`).slice(1, -1).map(splitHead);
  const part = (type: string) => {
    const found = parts.find(([header = '']) => new RegExp(`^content-type: ${type}; charset=utf-8`, 'im').test(header));
    if (!found) throw new Error(`no ${type}`);
    return decode(found[0] ?? '', found[1] ?? '');
  };
  const subject = /^subject: (.*(?:\r\n[ \t].*)*)/im.exec(head)?.[1]?.replaceAll(/\r\n[ \t]/g, ' ') ?? '';
  return { subject, text: part('text/plain'), html: part('text/html') };
}

function splitHead(source: string): string[] {
  const end = source.indexOf('\r\n\r\n');
  return [source.slice(0, end), source.slice(end + 4)];
}

function decode(head: string, body: string): string {
  const encoding = /^content-transfer-encoding: (\S+)/im.exec(head)?.[1];
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return body.replaceAll('\r\n', '\n');
  const bytes = body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n');
}
