import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { tellingOf } from '../../src/alerts/telling.ts';
import { detectors } from '../../src/detectors/index.ts';
import type { Notifier } from '../../src/notify/notifier.ts';
import { slackBlocks, type SlackBlock } from '../../src/notify/slack-blocks.ts';
import { slack } from '../../src/notify/slack.ts';
import { alertOf, notificationOf, resolved } from './alerts.ts';
import { direct, openReceiver, status, type Receiver } from './receiver.ts';

const never = new AbortController().signal;
const TOKEN = 'xoxb-very-secret';
const alert = alertOf('cpu-incompatible');
let receiver: Receiver;

beforeAll(async () => {
  receiver = await openReceiver();
});
beforeEach(() => {
  receiver.answer(status(200, {}, '{"ok":true,"ts":"1700000000.000100"}'));
});
afterAll(() => receiver.close());

function made(options: Readonly<Record<string, unknown>> = {}): Notifier {
  const bot = { token: TOKEN, channel: 'C1', apiUrl: `${receiver.url}/api` };
  const checked = slack.options.parse({ type: 'slack', timeout: '1s', ...bot, ...options });
  return slack.create(checked, { now: Date.now, out: () => {}, proxy: direct, runbookUrl: null });
}

function webhooked(): Notifier {
  return made({ webhookUrl: `${receiver.url}/services/T0/B0/sEcReT`, token: null, channel: null });
}

const message = z.object({
  text: z.string(),
  blocks: z.array(z.unknown()),
  thread_ts: z.string().optional(),
  reply_broadcast: z.boolean().optional(),
});

function last(): z.infer<typeof message> {
  return message.parse(JSON.parse(receiver.received.at(-1)?.body ?? ''));
}

describe('blocks', () => {
  const nasty = fc.oneof(
    fc.string({ maxLength: 5000 }),
    fc.constantFrom('<!channel>', '<https://evil|click>', '```', '*_~`&', 'x'.repeat(9000), '&'.repeat(9000)),
  );

  test('keep the limits of Slack, and nothing of a log is a mention or a link', () => {
    fc.assert(
      fc.property(nasty, nasty, (name, words) => {
        const many = detectors.map(({ id }) => alertOf(id));
        const alerts = many.map((one) => ({
          ...one,
          finding: {
            ...one.finding,
            vm: name,
            summary: words,
            remedies: Array.from({ length: 9 }, () => ({ what: words, command: words })),
          },
          quotes: [words, words],
        }));
        expectWithinLimits(
          slackBlocks(
            tellingOf(notificationOf(alerts, { others: alerts, explains: alerts, cluster: name }), { runbookUrl: null }),
          ),
        );
      }),
      { numRuns: 40 },
    );
  });

  function expectWithinLimits(blocks: readonly SlackBlock[]): void {
    const headers = blocks.flatMap((block) => (block.type === 'header' ? [block.text.text] : []));
    const texts = blocks.flatMap((block) => (block.type === 'section' ? [block.text.text] : []));
    expect(blocks.length).toBeLessThanOrEqual(50);
    expect(headers.filter((text) => text.length > 150)).toEqual([]);
    expect(texts.filter((text) => text.length > 3000 || text === '')).toEqual([]);
    expect(texts.filter((text) => /<[!@#h]/.test(text))).toEqual([]);
    // no block of code is left open
    expect(texts.filter((text) => (text.match(/```/g) ?? []).length % 2 === 1)).toEqual([]);
  }
});

describe('an incoming webhook', () => {
  test('gets subject and blocks', async () => {
    await webhooked().send(notificationOf([alert]), never);
    expect(last().text).toBe('CRITICAL: CPU of the destination is incompatible: i-2-10-VM kvm-a → kvm-b (pod-1)');
    expect(JSON.stringify(last().blocks)).toContain('virsh -c qemu:///system dumpxml --migratable i-2-10-VM');
  });

  test('that is gone is told without its address', async () => {
    receiver.answer(status(404, {}, 'no_service'));
    const failed = webhooked().send(notificationOf([alert]), never);
    await expect(failed).rejects.toMatchObject({ message: '404 Not Found: no_service', retriable: false });
    await expect(failed.catch((error: unknown) => String(error))).resolves.not.toContain('sEcReT');
  });
});

describe('a bot', () => {
  test('writes what belongs together into one thread, and what is new into the channel too', async () => {
    const notifier = made();
    await notifier.send(notificationOf([alert]), never);
    expect(last().thread_ts).toBeUndefined();
    expect(receiver.received.at(-1)).toMatchObject({
      url: '/api/chat.postMessage',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    await notifier.send(notificationOf([alert], { id: '2' }), never);
    expect(last()).toMatchObject({ thread_ts: '1700000000.000100', reply_broadcast: true });
    await notifier.send(notificationOf([resolved(alert)], { kind: 'resolved' }), never);
    expect(last()).toMatchObject({ thread_ts: '1700000000.000100', reply_broadcast: false });
    await notifier.send(notificationOf([alert], { group: 'another' }), never);
    expect(last().thread_ts).toBeUndefined();
  });

  test.each([
    ['without the right to write', '{"ok":false,"error":"not_in_channel"}', 'Slack: not_in_channel', false],
    ['that writes too often', '{"ok":false,"error":"ratelimited"}', 'Slack: ratelimited', true],
    ['whose answer is garbage', '<html>', 'the answer is none of Slack', true],
  ])('%s is told so', async (...[, body, says, retriable]) => {
    receiver.answer(status(200, {}, body));
    await expect(made().send(notificationOf([alert]), never)).rejects.toMatchObject({ message: says, retriable });
  });
});

test.each([
  ['neither webhook nor bot', { token: null, channel: null }],
  ['both', { webhookUrl: 'https://hooks.slack.com/x' }],
  ['a token without a channel', { channel: null }],
])('%s is refused', (_what, wrong) => {
  expect(slack.options.safeParse({ type: 'slack', token: TOKEN, channel: 'C1', ...wrong }).success).toBe(false);
});
