import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createDelivery, type Attempt } from '../../src/notify/delivery.ts';
import { email } from '../../src/notify/email.ts';
import { NotifyError, type Notifier } from '../../src/notify/notifier.ts';
import { alertOf, notificationOf, resolved } from './alerts.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { direct } from './receiver.ts';

const PASSWORD = 'hunter2-hunter2';
const never = new AbortController().signal;
let certificates: Certificates;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

interface MailServer {
  readonly port: number;
  readonly mails: ParsedMail[];
}

/** A real SMTP server on loopback that takes the user `oncall`. */
async function mailServer(
  options: SMTPServerOptions = {},
  refusals: (Error & { responseCode: number })[] = [],
): Promise<MailServer> {
  const mails: ParsedMail[] = [];
  const server = new SMTPServer({
    key: certificates.key,
    cert: certificates.cert,
    authOptional: true,
    onAuth: ({ username, password }, _session, callback) =>
      username === 'oncall' && password === PASSWORD
        ? callback(null, { user: username })
        : callback(Object.assign(new Error(`no such user with password ${password}`), { responseCode: 535 })),
    onData: (stream, _session, callback) => {
      const take = async (): Promise<void> => {
        const mail = await simpleParser(stream);
        const refusal = refusals.shift();
        if (refusal === undefined) mails.push(mail);
        callback(refusal, 'queued as 4711');
      };
      void take();
    },
    ...options,
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  closing.push(() => new Promise<void>((closed) => server.close(closed)));
  return { port: (server.server.address() as AddressInfo).port, mails };
}

function made(port: number, options: Readonly<Record<string, unknown>> = {}): Notifier {
  const checked = email.options.parse({
    type: 'email',
    host: '127.0.0.1',
    port,
    from: 'precopy@example.org',
    to: ['night@example.org', 'day@example.org'],
    ca: certificates.ca,
    timeout: '2s',
    ...options,
  });
  return email.create(checked, { now: Date.now, out: () => {}, proxy: direct, runbookUrl: null });
}

function refusalOf(code: number, message: string): Error & { responseCode: number } {
  return Object.assign(new Error(message), { responseCode: code });
}

async function failure(work: Promise<unknown>): Promise<NotifyError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NotifyError)) throw new Error(`not refused as it should be: ${String(error)}`, { cause: error });
  return error;
}

const alert = alertOf('cpu-incompatible');
const notification = notificationOf([alert], { kind: 'firing' });

describe('a mail', () => {
  test('says the same as text and as HTML', async () => {
    const { port, mails } = await mailServer();
    const { status } = await made(port, { user: 'oncall', password: PASSWORD }).send(notification, never);
    expect(status).toBe('250 queued as 4711');
    const [{ subject = '', text = '', html = '' } = {}] = mails;
    expect(subject).toBe('CRITICAL: CPU of the destination is incompatible: i-2-10-VM kvm-a → kvm-b (pod-1)');
    for (const words of ['vaes, la57', 'dumpxml --migratable i-2-10-VM', `precopy alerts ack ${alert.id}`]) {
      expect(text).toContain(words);
      expect(html).toContain(words);
    }
  });

  test('belongs to the thread of its group, and is the same mail when it is sent again', async () => {
    const { port, mails } = await mailServer();
    const notifier = made(port);
    await notifier.send(notification, never);
    await notifier.send(notification, never);
    await notifier.send(notificationOf([resolved(alert)], { kind: 'resolved' }), never);
    const ids = mails.map(({ messageId }) => messageId);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(new Set(mails.map(({ references }) => references)).size).toBe(1);
    expect(mails[2]?.inReplyTo).toMatch(/^<\w+\.group\.precopy@example\.org>$/);
    expect(mails.map(({ headers }) => headers.get('priority'))).toEqual(['high', 'high', undefined]);
    expect(mails[0]?.headers.get('auto-submitted')).toBe('auto-generated');
  });

  test('of a report has its page attached', async () => {
    const { port, mails } = await mailServer();
    const html = '<!doctype html><p>ä</p>';
    await made(port).report?.({ subject: 'Week 2026-W47', text: 'All is well.', html, fileName: 'precopy-2026-W47.html' }, never);
    const [mail] = mails;
    expect(mail).toMatchObject({ subject: 'Week 2026-W47', text: 'All is well.' });
    expect(mail?.attachments).toMatchObject([{ filename: 'precopy-2026-W47.html', contentType: 'text/html' }]);
    expect(mail?.attachments[0]?.content.toString('utf8')).toBe(html);
  });

  test('a name of a log puts no header into it', async () => {
    const { port, mails } = await mailServer();
    const named = { ...alert, finding: { ...alert.finding, vm: 'i-2\r\nBcc: x@example.org\r\n\r\n<b>' } };
    await made(port).send(notificationOf([named]), never);
    expect(mails[0]?.headers.has('bcc')).toBe(false);
    expect(mails[0]?.subject).not.toMatch(/[\r\n]/);
    expect(mails[0]?.html).not.toContain('<b>');
  });
});

describe('a mail server that', () => {
  test('is busy is asked again, and then it is sent once', async () => {
    const { port, mails } = await mailServer({}, [refusalOf(451, '4.7.1 Try again later')]);
    const attempts: Attempt[] = [];
    const delivery = createDelivery({ attempted: (one) => attempts.push(one), now: Date.now, random: () => 0, firstPauseMs: 2 });
    await expect(delivery.deliver(notification, { name: 'mail', notifier: made(port) })).resolves.toBe('sent');
    expect(attempts.map(({ outcome, status }) => `${outcome}: ${status}`)).toEqual([
      'failed: 451 4.7.1 Try again later',
      'sent: 250 queued as 4711',
    ]);
    expect(mails).toHaveLength(1);
  });

  test('refuses for good is not asked again', async () => {
    const { port } = await mailServer({}, [refusalOf(552, '5.3.4 Too big')]);
    expect(await failure(made(port).send(notification, never))).toMatchObject({ message: '552 5.3.4 Too big', retriable: false });
  });

  test('knows another password says so, and the password is not repeated', async () => {
    const { port, mails } = await mailServer();
    const error = await failure(made(port, { user: 'oncall', password: 'wrong-wrong' }).send(notification, never));
    expect(error).toMatchObject({
      message: '535 no such user with password ***',
      retriable: false,
      hint: expect.stringContaining('password'),
    });
    expect(mails).toEqual([]);
  });

  test('offers no STARTTLS gets neither password nor mail', async () => {
    const { port, mails } = await mailServer({ disabledCommands: ['STARTTLS'] });
    const error = await failure(made(port, { user: 'oncall', password: PASSWORD }).send(notification, never));
    expect(error).toMatchObject({
      retriable: false,
      message: expect.stringContaining('no trusted TLS'),
      hint: expect.stringContaining('security'),
    });
    expect(mails).toEqual([]);
  });

  test('has a certificate of nobody gets nothing', async () => {
    const { port, mails } = await mailServer();
    const error = await failure(made(port, { ca: null }).send(notification, never));
    expect(error).toMatchObject({ retriable: false, message: expect.stringContaining('no trusted TLS') });
    expect(mails).toEqual([]);
  });

  test('speaks TLS from the first byte is spoken to so', async () => {
    const { port, mails } = await mailServer({ secure: true });
    await made(port, { security: 'tls' }).send(notification, never);
    expect(mails).toHaveLength(1);
  });

  test('refuses one of the receivers is named with the status', async () => {
    const { port, mails } = await mailServer({
      onRcptTo: ({ address }, _session, callback) => callback(address.startsWith('day') ? refusalOf(550, 'No such user') : null),
    });
    const { status } = await made(port).send(notification, never);
    expect(status).toBe('250 queued as 4711; refused: day@example.org');
    expect(mails).toHaveLength(1);
  });
});

/** Something that listens and does this with who comes. */
async function listener(does: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    does(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  });
  return (server.address() as AddressInfo).port;
}

test.each([
  ['says nothing', () => {}, /^no end within 300 ms$|^no answer from /],
  ['says one byte after the other', drip, /^no end within 300 ms$/],
  ['cuts the connection', (socket: Socket) => void socket.resetAndDestroy(), /^connection was cut by 127\.0\.0\.1:\d+$/],
  ['speaks something else', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /^no SMTP from 127/],
])('a server that %s is worth another try, and the attempt ends in time', async (_what, does, says) => {
  const port = await listener(does);
  const began = performance.now();
  const error = await failure(made(port, { timeout: '300ms' }).send(notification, never));
  expect(performance.now() - began).toBeLessThan(1500);
  expect(error.message).toMatch(says);
  expect(error.retriable).toBe(true);
});

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('2'), 20);
  socket.on('close', () => clearInterval(timer));
}

test('nobody who listens is named, and is worth another try', async () => {
  const port = await listener(() => {});
  await Promise.all(closing.splice(0).map((close) => close()));
  const error = await failure(made(port).send(notification, never));
  expect(error).toMatchObject({ message: `nothing listens at 127.0.0.1:${port}`, retriable: true });
});

test.each([
  ['a password without a user', { password: 'x' }],
  ['a password in the clear', { user: 'a', password: 'b', security: 'none' }],
  ['an address with a name', { from: 'Precopy <precopy@example.org>' }],
  ['nobody to send to', { to: [] }],
])('%s is refused', (_what, wrong) => {
  const right = { type: 'email', host: 'mail', from: 'a@example.org', to: ['b@example.org'] };
  expect(email.options.safeParse(right).success).toBe(true);
  expect(email.options.safeParse({ ...right, ...wrong }).success).toBe(false);
});
