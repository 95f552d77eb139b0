import { setMaxListeners } from 'node:events';
import { serve, type ServerType } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { alertAction } from '../alerts/action.ts';
import type { Questions } from '../forensics/questions.ts';
import { AppError, type ErrorCode } from '../lib/errors.ts';
import type { Feed } from './feed.ts';
import { follow } from './follow.ts';

/** Whether an instance does its work, and what keeps it from it. */
export interface Readiness {
  readonly ready: boolean;
  readonly problems: readonly string[];
}

/** What the API answers from. */
export interface ApiParts {
  readonly questions: Questions;
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
  readonly feed: Feed;
  readiness(): Readiness;
  /** An answer failed for a reason that is not the asker's. */
  failed(error: unknown, path: string): void;
}

/** Where an API listens, and how it ends. */
export interface Api {
  /** @throws AppError `not-allowed` where the address is taken or not this machine's. */
  start(): Promise<void>;
  /** Lets answers in hand end, for two seconds at most. */
  stop(): Promise<void>;
  /** `http://127.0.0.1:8470`; the port is the real one. */
  url(): string;
}

/** A body larger than this is no question. */
const MAX_BODY_BYTES = 1 << 20;
/** Each follower of the feed holds a connection and up to a thousand items. */
const MAX_FOLLOWERS = 50;
const LAST_ANSWERS_MS = 2000;

/** The API of a running instance: for the other commands, for Prometheus, and for those who watch whether it runs. */
export function createApi(listen: string, parts: ApiParts): Api {
  const { hostname, port } = addressOf(listen);
  const closing = new AbortController();
  setMaxListeners(MAX_FOLLOWERS, closing.signal);
  const app = routes(parts, { names: new Set([hostname.toLowerCase(), 'localhost']), closing: closing.signal });
  let server: ServerType | null = null;
  let url = `http://${listen}`;

  return {
    url: () => url,
    start: () =>
      new Promise((resolve, reject) => {
        const opened = serve({ fetch: app.fetch, hostname: hostname.replace(/^\[|\]$/g, ''), port }, (info) => {
          url = `http://${hostname}:${info.port}`;
          resolve();
        });
        server = opened;
        opened.on('error', (cause: NodeJS.ErrnoException) => reject(listenError(listen, cause)));
      }),
    stop: () => {
      closing.abort();
      return closed(server);
    },
  };
}

function addressOf(listen: string): { readonly hostname: string; readonly port: number } {
  const at = listen.lastIndexOf(':');
  return { hostname: listen.slice(0, at), port: Number(listen.slice(at + 1)) };
}

function listenError(listen: string, cause: NodeJS.ErrnoException): AppError {
  const why = cause.code === 'EADDRINUSE' ? 'something else listens there' : (cause.code ?? cause.message);
  return new AppError('not-allowed', `cannot listen on ${listen}: ${why}`, {
    hint: 'name another address as api.listen, or end what listens there',
    cause,
  });
}

async function closed(server: ServerType | null): Promise<void> {
  if (server?.listening !== true || !('closeAllConnections' in server)) return;
  const opened = server;
  await new Promise<void>((resolve) => {
    // an answer that takes longer, or a reader that takes nothing
    const timer = setTimeout(() => opened.closeAllConnections(), LAST_ANSWERS_MS);
    // a connection whose answer ends after this is kept for another question, unless it is closed
    const idle = setInterval(() => opened.closeIdleConnections(), 20);
    opened.close(() => {
      clearTimeout(timer);
      clearInterval(idle);
      resolve();
    });
  });
}

/** The engine's instants go from 1900 to 2299. */
const instant = z
  .int()
  .min(Date.UTC(1900, 0, 1))
  .max(Date.UTC(2299, 11, 31));

/** A question's filter (src/forensics/filter.ts); times are Unix ms. */
const filterShape = z.strictObject({
  since: instant.exactOptional(),
  until: instant.exactOptional(),
  cluster: z.string().exactOptional(),
  host: z.string().exactOptional(),
  vm: z.string().exactOptional(),
  limit: z.int().min(1).max(1_000_000).exactOptional(),
});
/** What a backtest is asked (src/model/backtest.ts); the detector says which limits it has. */
const backtestShape = z.strictObject({
  detector: z.string(),
  limits: z.record(z.string(), z.number()).refine((limits) => Object.keys(limits).length > 0, 'none is changed'),
  since: instant,
  until: instant,
  cluster: z.string().exactOptional(),
});
const userSql = z.strictObject({ sql: z.string().min(1), maxRows: z.int().min(1).max(1_000_000).default(10_000) });
/** Which weekly report (src/forensics/weekly/make-report.ts); `null`: of all clusters. */
const reportShape = z.strictObject({ week: z.string(), zone: z.string(), cluster: z.string().min(1).nullable() });

/** An attempt of a command to tell somebody (src/store/alert-rows.ts). */
const attemptShape = z.strictObject({
  cluster: z.string(),
  id: z.string().min(1),
  notifier: z.string().min(1),
  attempt: z.int().min(0),
  at: instant,
  kind: z.enum(['test', 'report']),
  outcome: z.enum(['sent', 'failed', 'dead']),
  status: z.string(),
  tookMs: z.number().nonnegative(),
  alerts: z.array(z.string()),
  summary: z.string(),
});
const overviewShape = z.strictObject({ since: instant.nullable() });

/** What a follower may choose by. */
const interestShape = z.strictObject({
  events: z.enum(['0', '1']).default('0'),
  vm: z.string().min(1).nullable().default(null),
  host: z.string().min(1).nullable().default(null),
});

interface Access {
  /** Names by which the instance may be asked; addresses are always good. */
  readonly names: ReadonlySet<string>;
  /** Aborted when the server stops. */
  readonly closing: AbortSignal;
}

function routes(parts: ApiParts, { names, closing }: Access): Hono {
  const app = new Hono();
  let followers = 0;
  app.use(async (context, next) => {
    const host = (context.req.header('host') ?? '').toLowerCase();
    const refused = foreign(host, context.req.header('origin') ?? null, names);
    return refused === null ? next() : context.json({ error: refused, code: 'not-allowed', hint: null }, 403);
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) => context.json({ error: 'the body is larger than 1 MiB', code: 'usage', hint: null }, 413),
    }),
  );
  app.onError((error, context) => answerTo(error, context, parts));
  app.notFound((context) => context.json({ error: `no such path: ${context.req.path}`, code: 'not-found', hint: null }, 404));
  app.get('/healthz', (context) => context.text('ok\n'));
  app.get('/readyz', (context) => {
    const readiness = parts.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get('/metrics', async (context) =>
    context.body(await parts.metrics.render(), 200, { 'content-type': parts.metrics.contentType }),
  );
  app.post('/api/v1/questions/:name', async (context) => {
    const filter = checked(filterShape, await bodyOf(context));
    return context.json(await parts.questions.ask(context.req.param('name'), filter));
  });
  app.post('/api/v1/sql', async (context) => {
    const { sql, maxRows } = checked(userSql, await bodyOf(context));
    return context.json(await parts.questions.sql(sql, maxRows));
  });
  app.post('/api/v1/doctor', async (context) =>
    context.json(await parts.questions.doctor(checked(filterShape, await bodyOf(context)))),
  );
  app.post('/api/v1/backtest', async (context) =>
    context.json(await parts.questions.backtest(checked(backtestShape, await bodyOf(context)))),
  );
  app.post('/api/v1/report', async (context) =>
    context.json(await parts.questions.report(checked(reportShape, await bodyOf(context)))),
  );
  app.post('/api/v1/reports', async (context) => context.json(await parts.questions.reports()));
  alertRoutes(app, parts);
  app.get('/api/v1/tail', (context) => {
    const { events, vm, host } = checked(interestShape, context.req.query());
    if (followers >= MAX_FOLLOWERS) throw new AppError('not-allowed', `${MAX_FOLLOWERS} follow already`);
    followers += 1;
    const interest = { events: events === '1', vm, host };
    return follow(context, { feed: parts.feed, interest, closing, left: () => void (followers -= 1) });
  });
  return app;
}

function alertRoutes(app: Hono, { questions }: ApiParts): void {
  app.post('/api/v1/alerts', async (context) =>
    context.json(await questions.alerts(checked(overviewShape, await bodyOf(context)))),
  );
  app.post('/api/v1/notifications', async (context) => {
    await questions.attempted(checked(attemptShape, await bodyOf(context)));
    return context.json({});
  });
  app.post('/api/v1/alerts/actions', async (context) => {
    await questions.act(checked(alertAction, await bodyOf(context)));
    return context.json({});
  });
}

/** An address, as IPv4 or in brackets, and perhaps a port. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d+)?$/;

/**
 * Why a request is not answered; `null` where it is. A page of another site cannot ask: neither by a name of its own that it lets
 * point here, which an address cannot be, nor directly, for browsers say where a page is from.
 */
function foreign(host: string, origin: string | null, names: ReadonlySet<string>): string | null {
  if (!ADDRESS.test(host) && !names.has(host.replace(/:\d+$/, ''))) return `no instance is named ${host} here`;
  return origin === null || origin.toLowerCase() === `http://${host}` ? null : `pages of ${origin} may not ask`;
}

/** Only JSON that says so: a form of another site's page cannot send it. */
async function bodyOf(context: Context): Promise<unknown> {
  if (!/^application\/json\s*(?:;|$)/i.test(context.req.header('content-type') ?? ''))
    throw new AppError('usage', 'the body must be application/json');
  try {
    return await context.req.json();
  } catch (cause) {
    throw new AppError('usage', 'the body is no JSON', { cause });
  }
}

function checked<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  throw new AppError('usage', found.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

const STATUS: Readonly<Partial<Record<ErrorCode, 400 | 404 | 403 | 504>>> = {
  usage: 400,
  'bad-query': 400,
  'not-found': 404,
  'not-allowed': 403,
  'timed-out': 504,
};

function answerTo(error: Error, context: Context, { failed }: ApiParts): Response {
  if (error instanceof AppError) {
    const status = STATUS[error.code];
    if (status === undefined) failed(error, context.req.path);
    return context.json({ error: error.message, code: error.code, hint: error.hint }, status ?? 503);
  }
  failed(error, context.req.path);
  return context.json({ error: 'a defect of precopy', code: null, hint: 'the log of the instance has the details' }, 500);
}
