import type { Config } from '../config.ts';
import { AppError } from '../lib/errors.ts';
import { makeFolder } from '../lib/folder.ts';
import { stableId } from '../lib/hash.ts';
import { createLifecycle, type Lifecycle, type Part } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { createProcessor, PROCESSORS_GROUP, type Processor } from '../pipeline/processor.ts';
import { publishFindings } from '../pipeline/publish-findings.ts';
import { createStoredTimelines } from '../pipeline/stored-timelines.ts';
import type { Store } from '../store/store.ts';
import { createWriter, type Writer } from '../store/writer.ts';
import { RECORDS_TOPIC, type Producer, type Stream } from '../stream/stream.ts';
import { createApi, type Api, type Readiness } from '../web/api.ts';
import { createFeed, type Feed, type FeedItem } from '../web/feed.ts';
import { createAlerting, type Alerting } from './alerting.ts';
import { createCollection, type Collection } from './collection.ts';
import { openConfiguredStore } from './configured-store.ts';
import { announceInstance } from './instance-file.ts';
import { createLagGauge, type LagGauge } from './lag-gauge.ts';
import { createLocalQuestions } from './local-questions.ts';
import { openStream } from './open-stream.ts';
import { shippedTopics, shipperPart } from './shipper-part.ts';
import { createWeeklyReports } from './weekly-reports.ts';
import { createWatch, type Watch } from './watch.ts';

/** Which parts of Precopy a process runs. */
export interface Roles {
  readonly collect: boolean;
  readonly process: boolean;
}

/** What an instance is made with. */
export interface InstanceParts {
  readonly roles: Roles;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Path of the program `node`. */
  readonly node: string;
  /** Writes to the standard output of the process. */
  out(text: string): void;
}

/** Collectors, stream, processor, store and API of one machine, as one thing that starts and stops. */
export interface Instance extends Lifecycle {
  /** Takes over limits, collectors and whom to tell of a configuration; what it cannot take over it says. */
  reload(config: Config): Promise<void>;
  /** Resolves when all that the stream holds is stored, timelines show it, and people are told. */
  idle(): Promise<void>;
  /** Where the API answers; `null` without one. */
  url(): string | null;
  /** Calls back for each change that is stored, until the returned function is called. */
  follow(listener: (item: FeedItem) => void): () => void;
}

/** The parts of an instance, made as they are started. */
interface Running {
  config: Config;
  stream: Stream | null;
  store: Store | null;
  writer: Writer | null;
  processor: Processor | null;
  watch: Watch | null;
  alerting: Alerting | null;
  collection: Collection | null;
  api: Api | null;
  readonly feed: Feed;
}

/**
 * An instance as its configuration asks for. It starts in the order of the flow's end to its beginning, so that nothing is taken that
 * nobody takes on, and stops the other way round.
 */
export function createInstance(config: Config, parts: InstanceParts): Instance {
  const { roles, log } = parts;
  const running: Running = {
    config,
    stream: null,
    store: null,
    writer: null,
    processor: null,
    watch: null,
    alerting: null,
    collection: null,
    api: null,
    feed: createFeed(),
  };
  const lifecycle = createLifecycle(
    [
      folderPart(config),
      streamPart(running, parts),
      ...(roles.process
        ? [
            storePart(running, parts),
            alertingPart(running, parts),
            processorPart(running, parts),
            reportPart(running, parts),
            lagPart(running, parts),
            apiPart(running, parts),
          ]
        : []),
      ...(roles.process && shippedTopics(config).length > 0
        ? [shipperPart({ ...parts, config, stream: () => running.stream })]
        : []),
      ...(roles.collect ? [collectionPart(running, parts)] : []),
    ],
    {
      started: (part) => log.debug({ part }, 'part started'),
      stopped: (part) => log.debug({ part }, 'part stopped'),
      failedToStop: (part, error) => log.error({ part, error }, 'part did not stop as it should'),
    },
  );
  const inTurn = createTurns(lifecycle);
  return {
    ...inTurn,
    url: () => running.api?.url() ?? null,
    follow: (listener) => running.feed.subscribe({ events: false, vm: null, host: null }, listener),
    async idle() {
      await running.processor?.idle();
      await running.alerting?.idle();
    },
    reload: (next) => inTurn.change(() => reload(running, next, parts)),
  };
}

/** A lifecycle whose parts change while it runs: one change after the other, none before all have started, none once it is to stop. */
function createTurns(lifecycle: Lifecycle): Lifecycle & { change(work: () => Promise<void>): Promise<void> } {
  let turn: Promise<unknown> = Promise.resolve();
  let ending = false;
  return {
    start() {
      const started = lifecycle.start();
      turn = started.catch(() => {});
      return started;
    },
    change(work) {
      const changed = turn.then(() => (ending ? undefined : work()));
      turn = changed.catch(() => {});
      return changed;
    },
    async stop() {
      ending = true;
      // a part that a change is about to start would be stopped by nobody
      await turn;
      await lifecycle.stop();
    },
  };
}

async function reload(running: Running, next: Config, parts: InstanceParts): Promise<void> {
  const before = running.config;
  const fixed = fixedOf(before);
  if (JSON.stringify(fixed) !== JSON.stringify(fixedOf(next)))
    parts.log.warn({}, 'cluster, data, api, stream, store and report are taken over at the next start only');
  running.config = { ...next, ...fixed, alerts: before.alerts };
  const done = await Promise.allSettled([reloadAlerting(running, next, parts), running.collection?.reload(running.config)]);
  for (const one of done) if (one.status === 'rejected') throw one.reason;
}

async function reloadAlerting(running: Running, { alerts }: Config, parts: InstanceParts): Promise<void> {
  const { alerting, config } = running;
  const next = { ...config, alerts };
  if (alerting !== null && JSON.stringify(config.alerts) !== JSON.stringify(alerts)) {
    await alerting.stop();
    await startAlerting(running, next, parts);
  }
  running.config = next;
}

/** What an instance keeps as long as it runs. */
function fixedOf({
  cluster,
  data,
  api,
  stream,
  store,
  report,
}: Config): Pick<Config, 'cluster' | 'data' | 'api' | 'stream' | 'store' | 'report'> {
  return { cluster, data, api, stream, store, report };
}

function folderPart({ data }: Config): Part {
  return {
    name: 'data folder',
    async start() {
      try {
        await makeFolder(data);
      } catch (cause) {
        const { code = 'error' } = cause as NodeJS.ErrnoException;
        throw new AppError('not-allowed', `the data folder cannot be made or written: ${data} (${code})`, {
          hint: 'name another folder as data in the configuration, or make it for this user',
          cause,
        });
      }
    },
    stop: () => Promise.resolve(),
  };
}

function streamPart(running: Running, { log }: InstanceParts): Part {
  const { config } = running;
  return {
    name: 'stream',
    async start() {
      running.stream = await openStream(config, log);
    },
    stop: async () => running.stream?.close(),
  };
}

function storePart(running: Running, { log }: InstanceParts): Part {
  return {
    name: 'store',
    async start() {
      const retrying = (error: unknown, afterMs: number): void =>
        log.warn({ error, afterMs }, 'the store did not take rows, or did not answer; tried again');
      running.store = await openConfiguredStore(running.config, {
        retrying,
        waiting: (problem) =>
          log.warn({ problem }, 'another process has the tables open, perhaps a command that asks: waiting for it'),
      });
      running.writer = createWriter(running.store, { retrying });
    },
    stop: async () => running.store?.close(),
  };
}

function processorPart(running: Running, { log, metrics }: InstanceParts): Part {
  let findings: Producer | null = null;
  return {
    name: 'processor',
    async start() {
      const { stream, store, writer, feed } = running;
      if (stream === null || store === null || writer === null) throw new Error('the processor starts after stream and store');
      const watch = createWatch({ log, metrics, feed });
      running.watch = watch;
      findings = await stream.producer();
      running.processor = createProcessor({
        stream,
        timelines: publishFindings(createStoredTimelines(store, writer, Date.now), findings, {
          now: Date.now,
          origin: originOf(running.config),
        }),
        async storeChunks(chunks) {
          const began = performance.now();
          const rows = await writer.writeBatch({ chunks, events: chunks.flatMap(({ events }) => events) });
          metrics.storeInsertSeconds.observe({ table: 'all' }, (performance.now() - began) / 1000);
          for (const [table, count] of Object.entries(rows)) metrics.rowsStored.add({ table }, count);
        },
        limits: () => running.config.detectors,
        watch,
        now: Date.now,
      });
      await running.processor.start();
    },
    async stop() {
      await running.processor?.stop();
      await findings?.close();
    },
  };
}

function alertingPart(running: Running, parts: InstanceParts): Part {
  return {
    name: 'alerting',
    start: () => startAlerting(running, running.config, parts),
    stop: async () => running.alerting?.stop(),
  };
}

async function startAlerting(running: Running, config: Config, parts: InstanceParts): Promise<void> {
  const { stream, store } = running;
  if (stream === null || store === null) throw new Error('alerting starts after stream and store');
  running.alerting = createAlerting(config, { ...parts, stream, store, origin: originOf(config) });
  await running.alerting.start();
}

/** Processors that share a stream, and have tables of their own each: what names those. `null` where all see the same. */
function originOf({ host, data, stream, store }: Config): string | null {
  return stream.kafka !== null && store.clickhouse === null ? stableId(host, data) : null;
}

function reportPart(running: Running, { log }: InstanceParts): Part {
  let reports: Lifecycle | null = null;
  return {
    name: 'weekly reports',
    async start() {
      const { store, config } = running;
      if (store === null) throw new Error('reports start after the store');
      reports = createWeeklyReports(config, { store, log, alerting: () => running.alerting, now: Date.now });
      await reports.start();
    },
    stop: async () => reports?.stop(),
  };
}

function lagPart(running: Running, { log, metrics }: InstanceParts): Part {
  let gauge: LagGauge | null = null;
  return {
    name: 'lag gauge',
    async start() {
      const { stream } = running;
      if (stream === null) throw new Error('the lag is measured after the start of the stream');
      gauge = createLagGauge({
        positions: () => stream.positions(RECORDS_TOPIC, PROCESSORS_GROUP),
        metrics,
        failed: (error) => log.warn({ error }, 'the lag of the stream could not be read'),
        now: Date.now,
      });
      await gauge.start();
    },
    stop: async () => gauge?.stop(),
  };
}

function apiPart(running: Running, { log, metrics }: InstanceParts): Part {
  const { data, api } = running.config;
  let withdraw = (): Promise<void> => Promise.resolve();
  return {
    name: 'api',
    async start() {
      const { stream, store, feed } = running;
      if (stream === null || store === null) throw new Error('the api starts after stream and store');
      running.api = createApi(api.listen, {
        questions: createLocalQuestions({
          store,
          stream,
          limits: () => running.config.detectors,
          acted: async () => running.alerting?.acted(),
        }),
        metrics,
        feed,
        readiness: () => readinessOf(running),
        failed: (error, path) => log.error({ error, path }, 'a question failed'),
      });
      await running.api.start();
      withdraw = await announceInstance(data, running.api.url());
      log.info({ url: running.api.url() }, 'api listens');
    },
    async stop() {
      await withdraw();
      await running.api?.stop();
    },
  };
}

/** A collector that lacks something is a problem, and does not keep the instance from its work; a store that takes nothing does. */
function readinessOf({ watch, collection }: Running): Readiness {
  const trouble = watch?.trouble() ?? null;
  return { ready: trouble === null, problems: [...(trouble === null ? [] : [trouble]), ...(collection?.problems() ?? [])] };
}

function collectionPart(running: Running, { log, metrics, node }: InstanceParts): Part {
  return {
    name: 'collectors',
    async start() {
      if (running.stream === null) throw new Error('collectors start after the stream');
      running.collection = createCollection(running.config, { stream: running.stream, log, metrics, node });
      await running.collection.start();
    },
    stop: async () => running.collection?.stop(),
  };
}
