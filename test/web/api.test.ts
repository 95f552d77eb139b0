import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLocalQuestions } from '../../src/commands/local-questions.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { createWriter } from '../../src/store/writer.ts';
import { createApi, type Api, type ApiParts } from '../../src/web/api.ts';
import { createFeed, type Feed, type FeedItem } from '../../src/web/feed.ts';
import { readChunk } from '../store/read-chunk.ts';
import { openEmbedded, type TemporaryStore } from '../store/temporary-store.ts';
import { until } from '../ingest/following.ts';

let temporary: TemporaryStore;
let feed: Feed;
let api: Api | null = null;
const failures: unknown[] = [];
const metrics = createMetrics();

beforeAll(async () => {
  temporary = await openEmbedded();
  await createWriter(temporary.store).writeBatch({ chunks: [readChunk('one\ntwo\n')], events: [] });
}, 60_000);
afterEach(async () => {
  await api?.stop();
  api = null;
  failures.length = 0;
});
afterAll(() => temporary.remove());

/** An API on a free port of loopback. */
async function started(parts: Partial<ApiParts> = {}): Promise<string> {
  feed = createFeed();
  api = createApi('127.0.0.1:0', {
    questions: createLocalQuestions({ store: temporary.store, stream: null, limits: () => ({}) }),
    metrics,
    feed,
    readiness: () => ({ ready: true, problems: [] }),
    failed: (error) => failures.push(error),
    ...parts,
  });
  await api.start();
  return api.url();
}

async function post(url: string, path: string, body: unknown) {
  return submit(`${url}/api/v1/${path}`, { body });
}

async function submit(url: string, { body, type = 'application/json' }: { readonly body: unknown; readonly type?: string }) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
}

/** Status of a request with headers that fetch would not let through. */
function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/healthz`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

function item(given: Partial<FeedItem> = {}): FeedItem {
  return { kind: 'finding', at: 1, vm: 'i-2-1-VM', hosts: ['kvm-a'], document: { id: 'x' }, ...given };
}

interface Follower {
  readonly events: { readonly event: string; readonly data: string }[];
  ended: boolean;
  leave(): void;
}

/** Follows the feed until it is told to leave. */
async function follow(url: string, query = ''): Promise<Follower> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/api/v1/tail${query}`, { signal: leaving.signal });
  const follower: Follower = { events: [], ended: false, leave: () => leaving.abort() };
  void (async () => {
    let text = '';
    try {
      for await (const bytes of response.body ?? []) {
        text += Buffer.from(bytes).toString('utf8');
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const [event = '', data = ''] = block.split('\n').map((line) => line.replace(/^\w+: /, ''));
          follower.events.push({ event, data });
        }
      }
    } catch {
      // it left
    }
    follower.ended = true;
  })();
  await until(() => follower.events.some(({ event }) => event === 'hello'));
  return follower;
}

describe('questions', () => {
  test('a question, SQL and a diagnosis are answered from the store', async () => {
    const url = await started();
    expect(await post(url, 'questions/migrations', { limit: 5 })).toMatchObject({
      status: 200,
      body: { rows: [], truncated: false },
    });
    expect(await post(url, 'sql', { sql: 'SELECT text FROM lines ORDER BY line', maxRows: 1 })).toMatchObject({
      status: 200,
      body: { rows: [['one']], truncated: true },
    });
    const { body } = await post(url, 'doctor', {});
    expect(body['checks']).toContainEqual(expect.objectContaining({ name: 'loss', state: 'ok' }));
  });

  test.each([
    ['questions/nothing', {}, 404, 'not-found'],
    ['questions/timeline', {}, 400, 'usage'],
    ['questions/migrations', { since: 'yesterday' }, 400, 'usage'],
    ['questions/migrations', { since: 1.5 }, 400, 'usage'],
    ['questions/migrations', { since: 8.64e15 }, 400, 'usage'],
    ['questions/migrations', { limit: 0 }, 400, 'usage'],
    ['questions/migrations', { wher: 'x' }, 400, 'usage'],
    ['questions/migrations', '{', 400, 'usage'],
    ['sql', { sql: '' }, 400, 'usage'],
    ['sql', { sql: 'SELECT nobody FROM lines' }, 400, 'bad-query'],
    ['sql', { sql: "SELECT file('/etc/passwd')" }, 403, 'not-allowed'],
    ['sql', { sql: 'DROP TABLE lines' }, 403, 'not-allowed'],
    ['elsewhere', {}, 404, 'not-found'],
  ])('%s %j is refused with status %i, and is no failure of the instance', async (...[path, body, status, code]) => {
    expect(await post(await started(), path, body)).toMatchObject({ status, body: { code, error: expect.any(String) } });
    expect(failures).toEqual([]);
  });

  test('what fails for reasons of ours is told to the log, and not to the asker', async () => {
    const questions = createLocalQuestions({ store: temporary.store, stream: null, limits: () => ({}) });
    const broken = { ...questions, ask: () => Promise.reject(new Error('secret path /x')) };
    expect(await post(await started({ questions: broken }), 'questions/cpu', {})).toMatchObject({
      status: 500,
      body: { error: 'a defect of precopy' },
    });
    expect(failures).toMatchObject([{ message: 'secret path /x' }]);
  });

  test('a store that is away is a status that says to come again', async () => {
    const questions = createLocalQuestions({ store: temporary.store, stream: null, limits: () => ({}) });
    const away = { ...questions, ask: () => Promise.reject(new AppError('store', 'no room', { hint: 'wait' })) };
    expect(await post(await started({ questions: away }), 'questions/cpu', {})).toMatchObject({
      status: 503,
      body: { error: 'no room', code: 'store', hint: 'wait' },
    });
  });
});

describe('pages of other sites', () => {
  test('cannot ask by a name that they let point here', async () => {
    const url = await started();
    const { port } = new URL(url);
    expect(await statusOf(url, { host: `evil.example:${port}` })).toBe(403);
    expect(await statusOf(url, { host: `127.0.0.1.evil.example:${port}` })).toBe(403);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, `10.1.2.3:${port}`])
      expect(await statusOf(url, { host })).toBe(200);
  });

  test('cannot ask from where they are', async () => {
    const url = await started();
    expect(await statusOf(url, { origin: 'http://evil.example' })).toBe(403);
    expect(await statusOf(url, { origin: 'null' })).toBe(403);
    expect(await statusOf(url, { origin: url })).toBe(200);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'multipart/form-data; boundary=x'])(
    'cannot send a question as %s, which needs no permission of ours',
    async (type) => {
      expect(await submit(`${await started()}/api/v1/sql`, { body: { sql: 'SELECT 1' }, type })).toMatchObject({ status: 400 });
    },
  );
});

test('a body that is too large is refused, whether or not it says how large it is', async () => {
  const url = await started();
  const sql = `SELECT '${'x'.repeat(1 << 20)}'`;
  expect(await post(url, 'sql', { sql })).toMatchObject({ status: 413 });
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(JSON.stringify({ sql })));
      controller.close();
    },
  });
  const chunked = await fetch(`${url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
    duplex: 'half',
  });
  expect(chunked.status).toBe(413);
  expect(failures).toEqual([]);
});

describe('health', () => {
  test('whether it is ready is a status and a document', async () => {
    const readiness = { ready: false, problems: ['virsh: no libvirt'] };
    const url = await started({ readiness: () => readiness });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const response = await fetch(`${url}/readyz`);
    expect([response.status, await response.json()]).toEqual([503, readiness]);
  });

  test('metrics are lines of Prometheus, and what is not known is not there', async () => {
    const url = await started();
    const read = async (): Promise<readonly string[]> => {
      const response = await fetch(`${url}/metrics`);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      return (await response.text()).split('\n');
    };
    expect((await read()).filter((line) => /^precopy_(stream_lag|open_migrations)/.test(line))).toEqual([]);
    metrics.streamLagMessages.set({ partition: '0' }, 3);
    metrics.openMigrations.set({}, 1);
    metrics.collectorUp.set({ collector: 'file:/a "b"\\\nc' }, 1);
    const lines = await read();
    expect(lines).toContain('precopy_stream_lag_messages{partition="0"} 3');
    const sample =
      /^[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (?:-?[\d.e+-]+|NaN|\+Inf)$/;
    expect(lines.filter((line) => line !== '' && !/^# (?:HELP|TYPE) precopy_/.test(line) && !sample.test(line))).toEqual([]);
  });
});

describe('the feed', () => {
  test('brings what is of interest, in its order', async () => {
    const url = await started();
    const all = await follow(url, '?events=1');
    const few = await follow(url, '?vm=i-2-1-VM&host=kvm-a');
    feed.publish(item({ kind: 'event', document: 1 }));
    feed.publish(item({ document: 2 }));
    feed.publish(item({ vm: 'i-2-2-VM', document: 3 }));
    feed.publish(item({ hosts: ['kvm-b'], document: 4 }));
    feed.publish(item({ kind: 'migration', hosts: ['kvm-b', 'kvm-a'], document: 5 }));
    const told = ({ events }: Follower): readonly unknown[] =>
      events.slice(1).map(({ event, data }) => [event, (JSON.parse(data) as FeedItem).document]);
    await until(() => all.events.length === 6 && few.events.length === 3);
    expect(told(all)).toEqual([
      ['event', 1],
      ['finding', 2],
      ['finding', 3],
      ['finding', 4],
      ['migration', 5],
    ]);
    expect(told(few)).toEqual([
      ['finding', 2],
      ['migration', 5],
    ]);
    expect(await (await fetch(`${url}/api/v1/tail?evnts=1`)).json()).toMatchObject({ code: 'usage' });
  });

  test('events are made only while somebody wants them, and who has left is forgotten', async () => {
    const url = await started();
    expect(feed.wantsEvents()).toBe(false);
    const follower = await follow(url, '?events=1');
    expect(feed.wantsEvents()).toBe(true);
    follower.leave();
    await until(() => !feed.wantsEvents());
  });

  test('who has left makes room: more than fifty cannot follow at once', async () => {
    const url = await started();
    const followers = await Promise.all(Array.from({ length: 50 }, () => follow(url, '?events=1')));
    const refused = await fetch(`${url}/api/v1/tail`);
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: 'not-allowed' }]);
    for (const follower of followers) follower.leave();
    await until(() => !feed.wantsEvents());
    (await follow(url)).leave();
  });

  test('a slow reader holds up nobody, and is told how much it missed', async () => {
    const url = await started();
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.pause();
    socket.write(`GET /api/v1/tail?events=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await until(() => feed.wantsEvents());
    const quick = await follow(url);
    const text = 'x'.repeat(10_000);
    for (let n = 0; n < 3000; n += 1) feed.publish(item({ kind: 'event', document: text }));
    feed.publish(item({ document: 'after' }));
    await until(() => quick.events.length === 2);
    let read = '';
    socket.on('data', (bytes) => (read += bytes.toString('latin1')));
    socket.resume();
    await until(() => read.includes('event: missed'));
    const shown = read.split('event: event').length - 1;
    const missed = Number(/event: missed\r?\n?data: \{"items":(\d+)\}/.exec(read)?.[1]);
    // the finding is one of those left out
    expect(shown + missed).toBe(3001);
    socket.destroy();
    await until(() => !feed.wantsEvents());
  });

  test('a follower that is connected keeps a server from stopping for no longer than two seconds', async () => {
    const url = await started();
    const follower = await follow(url);
    const { port } = new URL(url);
    const stuck = connect(Number(port), '127.0.0.1');
    stuck.on('error', () => {});
    stuck.pause();
    stuck.write(`GET /api/v1/tail?events=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await until(() => feed.wantsEvents());
    for (let n = 0; n < 1500; n += 1) feed.publish(item({ kind: 'event', document: 'x'.repeat(10_000) }));
    const began = performance.now();
    await Promise.all([api?.stop(), api?.stop()]);
    expect(performance.now() - began).toBeLessThan(2500);
    await until(() => follower.ended);
    stuck.destroy();
  });

  test('without a reader that is stuck, a server with followers stops at once', async () => {
    const follower = await follow(await started());
    const began = performance.now();
    await api?.stop();
    expect(performance.now() - began).toBeLessThan(1000);
    await until(() => follower.ended);
  });
});

test('an address that is taken is an error that says what to do', async () => {
  const url = await started();
  const other = createApi(new URL(url).host, {
    questions: createLocalQuestions({ store: temporary.store, stream: null, limits: () => ({}) }),
    metrics,
    feed,
    readiness: () => ({ ready: true, problems: [] }),
    failed: () => {},
  });
  await expect(other.start()).rejects.toMatchObject({
    code: 'not-allowed',
    message: expect.stringContaining('something else listens'),
  });
  await other.stop();
});
