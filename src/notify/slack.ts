import { z } from 'zod';
import type { Notification } from '../alerts/alert.ts';
import { tellingOf } from '../alerts/telling.ts';
import { httpOptions, httpUrl, secretText } from './http-options.ts';
import { createHttp, type HttpAnswer } from './http.ts';
import { NotifyError, type NotifierKind } from './notifier.ts';
import { slackBlocks } from './slack-blocks.ts';

const options = z
  .strictObject({
    type: z.literal('slack').describe('this kind of notifier'),
    webhookUrl: httpUrl
      .nullable()
      .default(null)
      .meta({ secret: true })
      .describe('Address of an incoming webhook: who has it can write, so it is never shown. Or token and channel.'),
    token: secretText
      .nullable()
      .default(null)
      .describe('Token of a bot with the right chat:write; with it, what belongs together is a thread.'),
    channel: z.string().min(1).nullable().default(null).describe('Id of the channel that the bot writes to, `C0123456789`.'),
    apiUrl: httpUrl.default('https://slack.com/api').describe('Where the API is, for a token.'),
    ...httpOptions,
  })
  .refine(
    ({ webhookUrl, token, channel }) =>
      webhookUrl === null ? token !== null && channel !== null : token === null && channel === null,
    {
      error: 'either webhookUrl, or token and channel',
      path: ['webhookUrl'],
    },
  );

const answered = z.object({ ok: z.boolean(), error: z.string().optional(), ts: z.string().optional() });

/** Errors of the API that may pass (docs.slack.dev/reference/methods/chat.postMessage). */
const LATER = new Set(['ratelimited', 'rate_limited', 'internal_error', 'fatal_error', 'service_unavailable', 'request_timeout']);
/** Threads that are remembered; of older groups another one begins. */
const MOST_THREADS = 1000;

/** Writes alerts to a channel of Slack. */
export const slack: NotifierKind<typeof options> = {
  type: 'slack',
  title: 'Slack',
  options,
  create({ webhookUrl, token, channel, apiUrl, ...way }, { now, proxy, runbookUrl }) {
    const http = createHttp({ options: way, proxy, secrets: [webhookUrl ?? '', token ?? ''], now });
    /** First message of each group. */
    const threads = new Map<string, string>();

    function post(url: string, content: unknown, signal: AbortSignal): Promise<HttpAnswer> {
      const headers = {
        'Content-Type': 'application/json; charset=utf-8',
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      };
      return http.call({ method: 'POST', url, headers, body: JSON.stringify(content) }, signal);
    }

    async function inThread({ group, kind }: Notification, message: object, signal: AbortSignal): Promise<string> {
      const thread = threads.get(group);
      // what is new is seen in the channel too; what is over belongs below what it was
      const place = thread === undefined ? {} : { thread_ts: thread, reply_broadcast: kind !== 'resolved' };
      const { status, body } = await post(
        `${apiUrl.replace(/\/$/, '')}/chat.postMessage`,
        { channel, ...message, ...place },
        signal,
      );
      const answer = answerOf(body);
      if (!answer.ok) throw new NotifyError(`Slack: ${answer.error ?? 'not ok'}`, { retriable: LATER.has(answer.error ?? '') });
      if (thread === undefined && answer.ts !== undefined) remember(threads, group, answer.ts);
      return status;
    }

    return {
      async send(notification, signal) {
        const telling = tellingOf(notification, { runbookUrl });
        const message = { text: telling.subject, blocks: slackBlocks(telling), unfurl_links: false, unfurl_media: false };
        if (webhookUrl === null) return { status: await inThread(notification, message, signal) };
        const { status } = await post(webhookUrl, message, signal);
        return { status };
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    };
  },
};

function answerOf(body: string): z.infer<typeof answered> {
  try {
    return answered.parse(JSON.parse(body));
  } catch (cause) {
    throw new NotifyError('the answer is none of Slack', {
      retriable: true,
      hint: 'See the option apiUrl, and any proxy between.',
      cause,
    });
  }
}

function remember(threads: Map<string, string>, group: string, ts: string): void {
  threads.set(group, ts);
  const [oldest] = threads.keys();
  if (threads.size > MOST_THREADS && oldest !== undefined) threads.delete(oldest);
}
