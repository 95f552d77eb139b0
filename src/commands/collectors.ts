import { join } from 'node:path';
import type { Config } from '../config.ts';
import { createArpCollector } from '../ingest/arp.ts';
import { runOnce } from '../ingest/child.ts';
import type { ChunkSink, Collector, CollectorContext, CollectorStatus } from '../ingest/collector.ts';
import type { EmitLines } from '../ingest/emit-lines.ts';
import { createFileCollector } from '../ingest/files.ts';
import { createHeartbeatCollector } from '../ingest/heartbeat.ts';
import { createHostFactsCollector } from '../ingest/host-facts.ts';
import { createJournalCollector } from '../ingest/journal.ts';
import { createMasker } from '../ingest/mask.ts';
import { createProgramChunks, type Mask } from '../ingest/program-chunks.ts';
import { createReporter, type Reporter } from '../ingest/reporter.ts';
import { createSensorsCollector } from '../ingest/sensors.ts';
import { createSyslogCollector } from '../ingest/syslog.ts';
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

/** The collectors that a configuration asks for, in the order in which they start: those that must not miss anything first. */
export function createCollectors(parts: CollectorsParts): readonly Collector[] {
  const {
    node,
    config: { collect, data },
  } = parts;
  const mask = createMasker();
  const context = contextOf(parts);
  const told = (name: string): CollectorContext => reporting(name, context, mask);
  const emitting = (source: Source, path: string): EmitLines => emitLines(context, { source, path, mask });
  return [
    ...optional(collect.arp, (options) => createArpCollector(context, { options, mask })),
    ...optional(collect.virsh, (options) => createVirshCollector(context, { options, mask })),
    ...optional(collect.journal, (options) => createJournalCollector(context, { options, mask, folder: data })),
    ...optional(collect.files.length === 0 ? null : collect.files, (options) =>
      createFileCollector(options, { ...told('files'), checkpoints: join(data, 'files.checkpoint.json'), mask }),
    ),
    ...optional(collect.heartbeat, (options) =>
      createHeartbeatCollector({
        options,
        context: told('heartbeat'),
        emit: emitting('heartbeat', 'heartbeat'),
        node,
        entry: new URL('../ingest/pool-probe.js', import.meta.url),
      }),
    ),
    ...optional(collect.sensors, (options) => createSensorsCollector(context, { options, mask })),
    ...optional(collect.syslog, (options) =>
      createSyslogCollector({ options, context: told('syslog'), emit: emitHostLines(context, mask) }),
    ),
    ...optional(collect.hostFacts, (options) =>
      createHostFactsCollector({
        options,
        context: told('host-facts'),
        emit: emitting('host-facts', 'host-facts'),
        uri: collect.virsh?.uri ?? 'qemu:///system',
        mask,
        run,
      }),
    ),
  ];
}

function optional<O>(options: O | null, create: (options: O) => Collector): readonly Collector[] {
  return options === null ? [] : [create(options)];
}

function contextOf({ config: { cluster, host, timezone }, sink, report }: CollectorsParts): CollectorContext {
  return { header: { cluster, host, zone: timezone }, sink, report, now: Date.now };
}

/** A context whose reports also go into the stream, as lines of the collector. */
function reporting(name: string, context: CollectorContext, mask: Mask): CollectorContext {
  let reporter: Reporter | null = null;
  return {
    ...context,
    report({ state, problem }) {
      reporter ??= createReporter(context, name, mask);
      reporter.say(state, problem);
    },
  };
}

interface Lines {
  readonly source: Source;
  readonly path: string;
  readonly mask: Mask;
}

/** Puts lines that a collector made into the stream. */
function emitLines(context: CollectorContext, lines: Lines): EmitLines {
  const chunks = createProgramChunks({ context, zone: 'UTC', ...lines });
  return async (text) => {
    await chunks.push(Buffer.from(text));
    await chunks.flush();
  };
}

/** The same for lines of other hosts, each with files of its own. */
function emitHostLines(context: CollectorContext, mask: Mask): (host: string, lines: Uint8Array, at: number) => Promise<void> {
  const byHost = new Map<string, ReturnType<typeof createProgramChunks>>();
  return async (host, lines) => {
    const own = { ...context, header: { ...context.header, host } };
    const chunks = byHost.get(host) ?? createProgramChunks({ context: own, source: 'journal', path: 'syslog', mask });
    byHost.set(host, chunks);
    await chunks.push(lines);
    await chunks.flush();
  };
}

/** A program run once, as host facts ask for it. */
async function run(command: string, args: readonly string[], timeoutMs: number) {
  const ran = await runOnce({ command, args, debianPackage: command, timeoutMs, maxBytes: MAX_PROGRAM_OUTPUT_BYTES });
  return ran.kind === 'done'
    ? { status: ran.code, stdout: ran.output.toString('utf8'), stderr: ran.errorText }
    : { status: null, stdout: '', stderr: ran.problem };
}
