import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signedQuery } from '../../src/notify/cloudstack-api.ts';
import { hostsInMaintenance } from '../../src/notify/cloudstack-hosts.ts';
import { cloudstack } from '../../src/notify/cloudstack.ts';
import type { Notifier } from '../../src/notify/notifier.ts';
import { alertOf, notificationOf } from './alerts.ts';
import { direct, openReceiver, status, type Answer, type Receiver } from './receiver.ts';

const never = new AbortController().signal;
const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const SECRET = 'secret-of-the-user';
const ZONE = '0a53c8f1-2b6e-4c0f-9b67-1a2b3c4d5e6f';
const alert = alertOf('cpu-incompatible');
let server: Receiver;

beforeAll(async () => {
  server = await openReceiver();
});
afterAll(() => server.close());

/** Signs what arrived as the management server does (ApiServer.verifyRequest), and refuses what is signed otherwise. */
function verifying(answer: Answer): Answer {
  return (response, received) => {
    const sent = new URLSearchParams(received.body);
    const names = [...sent.keys()].filter((name) => name !== 'signature').toSorted();
    const unsigned = names.map((name) => `${name}=${javaEncoded(sent.get(name) ?? '')}`).join('&');
    const signature = createHmac('sha1', SECRET).update(unsigned.toLowerCase()).digest('base64');
    const right = sent.get('signature') === signature;
    return right ? answer(response, received) : refused(response, received);
  };
}

const refused = status(401, {}, '{"generatealertresponse":{"errorcode":401,"errortext":"unable to verify user credentials"}}');

/** `java.net.URLEncoder`, with blanks as `%20`. */
function javaEncoded(text: string): string {
  return Array.from(Buffer.from(text))
    .map((byte) =>
      /[A-Za-z0-9.*_-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
    )
    .join('');
}

beforeEach(() => {
  server.answer(verifying(status(200, {}, '{"generatealertresponse":{"jobid":"6c9d"}}')));
});

const way = { timeout: '1s', ca: null, cert: null, key: null };
const api = (): Parameters<typeof hostsInMaintenance>[0] => ({
  url: `${server.url}/client/api`,
  apiKey: 'key',
  secretKey: SECRET,
  ...way,
});

function made(options: Readonly<Record<string, unknown>> = {}): Notifier {
  const checked = cloudstack.options.parse({ type: 'cloudstack', ...api(), zoneId: ZONE, ...options });
  return cloudstack.create(checked, { now: () => NOW, out: () => {}, proxy: direct, runbookUrl: null });
}

test("the documentation's example of a signature comes out", () => {
  const query = {
    command: 'listUsers',
    response: 'json',
    apikey: 'plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg',
  };
  const secretKey = 'VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ';
  expect(new URLSearchParams(signedQuery(query, secretKey)).get('signature')).toBe('TTpdDq/7j/J58XCRHomKoQXEQds=');
});

describe('an alert', () => {
  test('is taken by a server that checks the signature, whatever stands in it', async () => {
    const summary = `ä ~!*'() + % & = "x" ${'y'.repeat(2000)} 🔥`;
    const nasty = { ...alert, finding: { ...alert.finding, summary } };
    await made().send(notificationOf([nasty]), never);
    const sent = new URLSearchParams(server.received.at(-1)?.body);
    expect(Object.fromEntries(sent)).toMatchObject({
      command: 'generateAlert',
      name: 'PRECOPY.CPU-INCOMPATIBLE',
      zoneid: ZONE,
      apikey: 'key',
      expires: '2026-11-23T12:10:00+0000',
      description: expect.stringContaining("ä ~!*'() + % & ="),
    });
    expect(sent.get('description')?.length).toBeLessThanOrEqual(999);
    expect(server.received.at(-1)).toMatchObject({ method: 'POST', url: '/client/api' });
  });

  test('has a type of its own, and the same when it is sent again: CloudStack drops what has a type it knows', async () => {
    const types: (string | null)[] = [];
    for (const id of ['a', 'b', 'a']) {
      await made().send(notificationOf([alert], { id }), never);
      types.push(new URLSearchParams(server.received.at(-1)?.body).get('type'));
    }
    expect(types[0]).not.toBe(types[1]);
    expect(types[2]).toBe(types[0]);
    expect(types.map(Number).filter((type) => type < 1000 || type > 32_767)).toEqual([]);
  });
});

describe('a server that', () => {
  const error = (code: number, text: string): Answer =>
    status(code, {}, JSON.stringify({ generatealertresponse: { uuidList: [], errorcode: code, errortext: text } }));

  test.each([
    { answer: error(401, 'unable to verify user credentials'), says: /^401 Unauthorized: unable to verify/, retriable: false },
    { answer: error(431, 'Unable to execute API command'), says: /^431 .*Unable to execute API command$/, retriable: false },
    { answer: error(432, 'command does not exist'), says: /^432 .*does not exist$/, retriable: false },
    { answer: error(530, 'Failed to generate an alert'), says: /^530 .*Failed to generate an alert$/, retriable: true },
    { answer: error(531, 'no permission'), says: /^531 .*no permission$/, retriable: false },
    { answer: error(429, 'over the limit'), says: /^429 .*over the limit$/, retriable: true },
    {
      answer: status(200, {}, '<html>login</html>'),
      says: /^the answer to generateAlert is none of CloudStack$/,
      retriable: true,
    },
  ])('answers $says', async ({ answer, says, retriable }) => {
    server.answer(answer);
    await expect(made().send(notificationOf([alert]), never)).rejects.toMatchObject({
      message: expect.stringMatching(says),
      retriable,
    });
  });
});

describe('hosts in maintenance', () => {
  const hosts = [
    { name: 'kvm-a', clustername: 'pod-1', resourcestate: 'Enabled' },
    { name: 'kvm-b', clustername: 'pod-1', resourcestate: 'PrepareForMaintenance' },
    { name: 'kvm-c', clustername: 'pod-2', resourcestate: 'Maintenance' },
    { name: 'kvm-d', clustername: 'pod-2', resourcestate: 'ErrorInPrepareForMaintenance' },
    { name: 'kvm-e', clustername: 'pod-2', resourcestate: 'Disabled' },
  ];

  /** A server with these hosts, three a page. */
  const listing = verifying((response, { body }) => {
    const page = Number(new URLSearchParams(body).get('page'));
    const some = hosts.slice((page - 1) * 3, page * 3);
    response.end(JSON.stringify({ listhostsresponse: some.length === 0 ? {} : { count: hosts.length, host: some } }));
  });

  test('are found on every page, with their cluster and state', async () => {
    server.answer(listing);
    await expect(hostsInMaintenance(api(), { signal: never, proxy: direct, now: () => NOW })).resolves.toEqual([
      { host: 'kvm-b', cluster: 'pod-1', state: 'PrepareForMaintenance' },
      { host: 'kvm-c', cluster: 'pod-2', state: 'Maintenance' },
      { host: 'kvm-d', cluster: 'pod-2', state: 'ErrorInPrepareForMaintenance' },
    ]);
  });

  test('are none where there is no host, and an error where nobody says', async () => {
    server.answer(verifying(status(200, {}, '{"listhostsresponse":{}}')));
    await expect(hostsInMaintenance(api(), { signal: never, proxy: direct, now: () => NOW })).resolves.toEqual([]);
    server.answer(status(401, {}, '{"listhostsresponse":{"errorcode":401,"errortext":"no"}}'));
    await expect(hostsInMaintenance(api(), { signal: never, proxy: direct, now: () => NOW })).rejects.toMatchObject({
      message: expect.stringMatching(/^401 .*: no$/),
      hint: expect.stringContaining('apiKey'),
    });
  });
});
