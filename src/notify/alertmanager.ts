import { z } from 'zod';
import { duration, durationMs } from '../lib/duration.ts';
import { plural } from '../lib/units.ts';
import { httpOptions, httpUrl, secretText } from './http-options.ts';
import { createHttp } from './http.ts';
import { createPostings, type Posting } from './alertmanager-postings.ts';
import { NotifyError, type NotifierKind, type Sent } from './notifier.ts';

const options = z
  .strictObject({
    type: z.literal('alertmanager').describe('this kind of notifier'),
    urls: z
      .array(httpUrl)
      .min(1)
      .max(10)
      .describe('Every member of the cluster of Alertmanagers, with the path of a proxy; never a load balancer before them.'),
    labels: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/), z.string().min(1))
      .default({})
      .describe('Labels that every alert gets besides its own, as `site: north`.'),
    repeatEvery: duration
      .default('60s')
      .describe('How often all that fires is sent again; an alert that is not repeated four times is over there.'),
    user: z.string().min(1).nullable().default(null).describe('User of basic authentication; null: none.'),
    password: secretText.nullable().default(null).describe('Of the user.'),
    token: secretText.nullable().default(null).describe('A bearer token instead of user and password.'),
    ...httpOptions,
  })
  .refine(({ token, password }) => token === null || password === null, {
    error: 'either a password or a token',
    path: ['token'],
  });

/** Repeats that may be lost before an alert is over at Alertmanager. */
const REPEATS_LOST = 4;
/** Alerts in one request. */
const AT_ONCE = 500;

/** Tells Prometheus' Alertmanager, which routes, groups and silences by its own rules. */
export const alertmanager: NotifierKind<typeof options> = {
  type: 'alertmanager',
  title: 'Alertmanager (API v2)',
  options,
  create({ urls, labels, repeatEvery, user, password, token, ...way }, { now, proxy, runbookUrl }) {
    const http = createHttp({ options: way, proxy, secrets: [password ?? '', token ?? ''], now });
    const everyMs = durationMs(repeatEvery);
    const headers = { 'Content-Type': 'application/json', ...authorizationOf({ user, password, token }) };

    const postings = createPostings({ labels, lastsMs: REPEATS_LOST * everyMs, now, runbookUrl });

    /** All members are told, for each notifies for itself when the others are gone; one that has it is enough. */
    async function post(alerts: readonly Posting[], signal: AbortSignal): Promise<Sent> {
      const body = JSON.stringify(alerts);
      const told = await Promise.allSettled(
        urls.map((url) => http.call({ method: 'POST', url: `${url.replace(/\/$/, '')}/api/v2/alerts`, headers, body }, signal)),
      );
      signal.throwIfAborted();
      const sent = told.flatMap((one) => (one.status === 'fulfilled' ? [one.value.status] : []));
      const errors = told.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      const [status] = sent;
      if (status === undefined) throw worst(errors);
      return { status: errors.length === 0 ? status : `${status}; ${sent.length} of ${plural(urls.length, 'member')}` };
    }

    async function postAll(alerts: readonly Posting[], signal: AbortSignal): Promise<Sent> {
      let sent: Sent = { status: 'nothing to tell' };
      for (let i = 0; i < alerts.length; i += AT_ONCE) sent = await post(alerts.slice(i, i + AT_ONCE), signal);
      return sent;
    }

    return {
      // the others of the group and what they explain are its own to know, by its grouping and inhibition
      send: ({ kind, alerts, cluster }, signal) => {
        const test = kind === 'test' && alerts.length === 0 ? [postings.test(cluster)] : [];
        return postAll([...alerts.flatMap(postings.told), ...test], signal);
      },
      repeat: { everyMs, send: (firing, signal) => postAll(firing.map(postings.firing), signal) },
      report: null,
      close: () => Promise.resolve(),
    };
  },
};

function authorizationOf({
  user,
  password,
  token,
}: Record<'user' | 'password' | 'token', string | null>): Record<string, string> {
  if (token !== null) return { Authorization: `Bearer ${token}` };
  if (user === null) return {};
  return { Authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` };
}

/** The error that says most on what to do next: one that may pass. */
function worst(errors: readonly unknown[]): unknown {
  return errors.find((error) => error instanceof NotifyError && error.retriable) ?? errors[0];
}
