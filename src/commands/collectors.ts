import { join } from 'node:path';
import type { Config } from '../config.ts';
import { createArpCollector } from '../ingest/arp.ts';
import { runOnce } from '../ingest/child.ts';
import type { ChunkSink, Collector, CollectorContext, CollectorStatus, HostHeader } from '../ingest/collector.ts';
import type { EmitLines } from '../ingest/emit-lines.ts';
import { createFileCollector } from '../ingest/files.ts';
import { createHeartbeatCollector } from '../ingest/heartbeat.ts';
import { createHostFactsCollector } from '../ingest/host-facts.ts';
import { createJournalCollector } from '../ingest/journal.ts';
import { createMasker } from '../ingest/mask.ts';
import { createProgramChunks, type Mask, type ProgramChunks } from '../ingest/program-chunks.ts';
import { createReporter } from '../ingest/reporter.ts';
import { createSensorsCollector } from '../ingest/sensors.ts';
import { createSyslogCollector } from '../ingest/syslog.ts';
import type { EmitHostLines } from '../ingest/syslog-batches.ts';
import { createVirshCollector } from '../ingest/virsh.ts';
import type { Source } from '../model/source.ts';

/** What collectors are given by who runs them. */
export interface CollectorsParts {
  readonly config: Config;
  readonly sink: ChunkSink;
  /** Path of the program `node`. */
  readonly node: string;
  report(status: CollectorStatus): void;
}

const MAX_PROGRAM_OUTPUT_BYTES = 4 << 20;
/** As compiled: there is no other program that could run as a process of its own. */
const POOL_PROBE = new URL('../ingest/pool-probe.js', import.meta.url);

/** The collectors that a configuration asks for, in the order in which they start: those that must not miss anything first. */
export function createCollectors(parts: CollectorsParts): readonly Collector[] {
  const {
    node,
    config: { collect, data },
  } = parts;
  const mask = createMasker();
  const context = contextOf(parts);
  const told = (name: string, create: (ways: Ways) => Collector): Collector => {
    const ways = waysOf(name, context, mask);
    return closing(create(ways), ways);
  };
  return [
    ...optional(collect.arp, (options) => createArpCollector(context, { options, mask })),
    ...optional(collect.virsh, (options) => createVirshCollector(context, { options, mask })),
    ...optional(collect.journal, (options) => createJournalCollector(context, { options, mask, folder: data })),
    ...optional(collect.files.length === 0 ? null : collect.files, (options) =>
      told('files', (ways) =>
        createFileCollector(options, { ...ways.context, checkpoints: join(data, 'files.checkpoint.json'), mask }),
      ),
    ),
    ...optional(collect.heartbeat, (options) =>
      told('heartbeat', (ways) =>
        createHeartbeatCollector({ options, context: ways.context, emit: ways.emit('heartbeat'), node, entry: POOL_PROBE }),
      ),
    ),
    ...optional(collect.sensors, (options) => createSensorsCollector(context, { options, mask })),
    ...optional(collect.syslog, (options) =>
      told('syslog', (ways) => createSyslogCollector({ options, context: ways.context, emit: ways.emitOfHost })),
    ),
    ...optional(collect.hostFacts, (options) =>
      told('host-facts', (ways) =>
        createHostFactsCollector({
          options,
          context: ways.context,
          emit: ways.emit('host-facts'),
          uri: collect.virsh?.uri ?? 'qemu:///system',
          mask,
          run,
        }),
      ),
    ),
  ];
}

function optional<O>(options: O | null, create: (options: O) => Collector): readonly Collector[] {
  return options === null ? [] : [create(options)];
}

function contextOf({ config: { cluster, host, timezone }, sink, report }: CollectorsParts): CollectorContext {
  return { header: { cluster, host, zone: timezone }, sink, report, now: Date.now };
}

/** The ways from one collector into the stream, which end when it has stopped. */
interface Ways {
  /** A context whose reports also go into the stream, as lines of the collector. */
  readonly context: CollectorContext;
  /** Puts lines that the collector made into the stream. */
  emit(source: Source): EmitLines;
  /** The same for lines of other hosts, each with files of its own. */
  readonly emitOfHost: EmitHostLines;
  close(): Promise<void>;
}

function waysOf(name: string, context: CollectorContext, mask: Mask): Ways {
  const reporter = createReporter(context, name, mask);
  const byHost = new Map<string, ProgramChunks>();

  function chunksOf(header: HostHeader, source: Source): ProgramChunks {
    const known = byHost.get(header.host);
    if (known !== undefined) return known;
    const made = createProgramChunks({ context: { ...context, header }, source, path: name, mask });
    byHost.set(header.host, made);
    return made;
  }

  async function put(chunks: ProgramChunks, lines: Uint8Array): Promise<void> {
    await chunks.push(lines);
    await chunks.flush();
  }

  return {
    context: { ...context, report: ({ state, problem }) => reporter.say(state, problem) },
    emit: (source) => (text) => put(chunksOf({ ...context.header, zone: 'UTC' }, source), Buffer.from(text)),
    emitOfHost: (host, lines) => put(chunksOf({ ...context.header, host }, 'journal'), lines),
    async close() {
      for (const chunks of byHost.values()) await chunks.close();
      await reporter.stop();
    },
  };
}

/** The collector with the ways that it was made with. */
function closing(collector: Collector, ways: Ways): Collector {
  return {
    name: collector.name,
    start: () => collector.start(),
    async stop() {
      await collector.stop();
      await ways.close();
    },
  };
}

/** A program run once, as host facts ask for it. */
async function run(command: string, args: readonly string[], timeoutMs: number) {
  const ran = await runOnce({ command, args, debianPackage: command, timeoutMs, maxBytes: MAX_PROGRAM_OUTPUT_BYTES });
  return ran.kind === 'done'
    ? { status: ran.code, stdout: ran.output.toString('utf8'), stderr: ran.errorText }
    : { status: null, stdout: '', stderr: ran.problem };
}
