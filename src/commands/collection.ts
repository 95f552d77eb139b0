import { lockFolder } from '../ingest/folder-lock.ts';
import type { Config } from '../config.ts';
import type { ChunkSink, Collector, CollectorStatus } from '../ingest/collector.ts';
import { createLifecycle, type Lifecycle } from '../lib/lifecycle.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import { encodeChunk } from '../pipeline/chunk-message.ts';
import { RECORDS_TOPIC, type Producer, type Stream } from '../stream/stream.ts';
import { createCollectors } from './collectors.ts';

/** What collectors of one machine need. */
export interface CollectionParts {
  readonly stream: Stream;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Path of the program `node`. */
  readonly node: string;
}

/** The collectors of one machine, and the way from them into the stream. */
export interface Collection {
  start(): Promise<void>;
  /** Where options changed, stops the collectors and starts them with the new ones. @throws where one cannot start: they run on as before */
  reload(config: Config): Promise<void>;
  /** What collectors lack, each by its name. */
  problems(): readonly string[];
  stop(): Promise<void>;
}

/** In whose name problems of a configuration are told. */
const CONFIGURATION = 'configuration';

/** Collectors as this configuration asks for them. */
export function createCollection(config: Config, { stream, log, metrics, node }: CollectionParts): Collection {
  const states = new Map<string, CollectorStatus>();
  let producer: Producer | null = null;
  let current = config;
  let lifecycle: Lifecycle | null = null;
  let unlock = (): Promise<void> => Promise.resolve();

  const sink: ChunkSink = {
    async write(chunks) {
      if (producer === null) throw new Error('collectors write after their start only');
      await producer.send(RECORDS_TOPIC, chunks.map(encodeChunk));
      metrics.chunksSent.add({}, chunks.length);
      for (const { header, bytes } of chunks) {
        metrics.collectedChunks.add({ source: header.source });
        metrics.collectedBytes.add({ source: header.source }, bytes.length);
      }
    },
  };

  function report(status: CollectorStatus): void {
    const { collector, state, problem } = status;
    states.set(collector, status);
    metrics.collectorUp.set({ collector }, state === 'stopped' ? null : Number(state === 'running'));
    if (state === 'failing' || state === 'missing') log.warn({ collector, problem }, `collector ${state}`);
    else log.debug({ collector, problem }, `collector ${state}`);
  }

  async function run(collectors: readonly Collector[]): Promise<void> {
    lifecycle = createLifecycle(collectors);
    await lifecycle.start();
  }

  return {
    async start() {
      unlock = await lockFolder(config.data);
      producer = await stream.producer();
      await run(createCollectors({ config, sink, node, report }));
    },
    async reload(next) {
      states.delete(CONFIGURATION);
      if (JSON.stringify(collecting(next)) === JSON.stringify(collecting(current))) return;
      await lifecycle?.stop();
      states.clear();
      try {
        await run(createCollectors({ config: next, sink, node, report }));
        current = next;
      } catch (error) {
        states.clear();
        await run(createCollectors({ config: current, sink, node, report }));
        const { message } = error as Error;
        states.set(CONFIGURATION, { collector: CONFIGURATION, state: 'failing', problem: `not taken over: ${message}` });
        throw error;
      }
    },
    problems: () =>
      [...states.values()].flatMap(({ collector, problem }) => (problem === null ? [] : [`${collector}: ${problem}`])),
    async stop() {
      await lifecycle?.stop();
      await producer?.close();
      producer = null;
      await unlock();
    },
  };
}

/** What collectors depend on. */
function collecting({ collect, host, timezone }: Config): unknown {
  return { collect, host, timezone };
}
