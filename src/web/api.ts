import { serve, type ServerType } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import type { Questions } from '../forensics/questions.ts';
import { AppError, type ErrorCode } from '../lib/errors.ts';
import type { Feed, FeedItem } from './feed.ts';

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
/** Items that wait for a slow reader of the feed; what comes then is counted and left out. */
const MAX_WAITING = 1000;
const KEEP_ALIVE_MS = 15_000;
const LAST_ANSWERS_MS = 2000;

/** The API of a running instance: for the other commands, for Prometheus, and for those who watch whether it runs. */
export function createApi(listen: string, parts: ApiParts): Api {
  const { hostname, port } = addressOf(listen);
  const app = routes(parts, new Set([hostname, '127.0.0.1', 'localhost', '[::1]']));
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
        opened.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(listen, cause)));
      }),
    stop: () => closed(server),
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
  if (server?.listening !== true) return;
  await new Promise<void>((resolve) => {
    // those who follow the feed never end by themselves
    const timer = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), LAST_ANSWERS_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** A question's filter (src/forensics/filter.ts); times are Unix ms. */
const filterShape = z.strictObject({
  since: z.number().exactOptional(),
  until: z.number().exactOptional(),
  cluster: z.string().exactOptional(),
  host: z.string().exactOptional(),
  vm: z.string().exactOptional(),
  limit: z.int().min(1).max(1_000_000).exactOptional(),
});
const userSql = z.strictObject({ sql: z.string().min(1), maxRows: z.int().min(1).max(1_000_000).default(10_000) });

function routes(parts: ApiParts, hosts: ReadonlySet<string>): Hono {
  const app = new Hono();
  // a page of another site cannot ask, even by a name that it lets point here
  app.use(async (context, next) => {
    const asked = (context.req.header('host') ?? '').replace(/:\d+$/, '');
    if (!hosts.has(asked)) return context.json({ error: `no instance is named ${asked} here` }, 403);
    return next();
  });
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES }));
  app.onError((error, context) => answerTo(error, context, parts));
  app.notFound((context) => context.json({ error: `no such path: ${context.req.path}` }, 404));
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
  app.get('/api/v1/tail', (context) => followed(context, parts.feed));
  return app;
}

/** Only JSON that says so: a form of another site's page cannot send it. */
async function bodyOf(context: Context): Promise<unknown> {
  if (!(context.req.header('content-type') ?? '').startsWith('application/json'))
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
  return context.json({ error: 'a defect of ours; the log of the instance has the details' }, 500);
}

/** Server-sent events, one an item; who reads too slowly is told how many were left out. */
function followed(context: Context, feed: Feed): Response {
  return streamSSE(context, async (stream) => {
    const waiting: FeedItem[] = [];
    let missed = 0;
    let wake = (): void => {};
    const leave = feed.subscribe((item) => {
      if (waiting.length < MAX_WAITING) waiting.push(item);
      else missed += 1;
      wake();
    });
    stream.onAbort(() => {
      leave();
      wake();
    });
    await stream.writeSSE({ event: 'hello', data: '{}' });
    while (!stream.aborted) {
      const item = waiting.shift();
      if (item !== undefined) await stream.writeSSE({ event: item.kind, data: JSON.stringify(item) });
      else if (missed > 0) {
        await stream.writeSSE({ event: 'missed', data: JSON.stringify({ items: missed }) });
        missed = 0;
      } else {
        const woken = await Promise.race([
          new Promise<true>((resolve) => (wake = () => resolve(true))),
          stream.sleep(KEEP_ALIVE_MS).then(() => false),
        ]);
        if (!woken && !stream.aborted) await stream.writeSSE({ event: 'alive', data: '{}' });
      }
    }
    leave();
  });
}
