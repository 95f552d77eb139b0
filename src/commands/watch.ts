import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { ProcessorWatch } from '../pipeline/processor.ts';
import { findingDocument, migrationDocument } from '../reports/json.ts';
import { messageOf } from '../reports/incident/quotes.ts';
import type { Event } from '../model/event.ts';
import type { Finding } from '../model/finding.ts';
import type { Migration } from '../model/timeline.ts';
import type { Feed, FeedItem } from '../web/feed.ts';

/** Where what a processor does is told. */
export interface WatchParts {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly feed: Feed;
}

/** What a processor is watched by. */
export interface Watch extends ProcessorWatch {
  /** Why nothing is stored just now; `null` where it is. */
  trouble(): string | null;
}

/** Tells what a processor does to the log, the metrics and those who follow. */
export function createWatch({ log, metrics, feed }: WatchParts): Watch {
  const open = new Set<string>();
  let trouble: string | null = null;
  return {
    trouble: () => trouble,
    stored(chunks) {
      trouble = null;
      for (const { header, counts, events, outcomes } of chunks) {
        const { source } = header;
        metrics.chunksProcessed.add({});
        metrics.collectedLines.add({ source }, counts.lines);
        if (events.length > 0) metrics.events.add({ source }, events.length);
        if (counts.rejected === 0) continue;
        for (const reason of outcomes)
          if (reason !== 'events' && reason !== 'plain' && reason !== 'continued') metrics.rejected.add({ source, reason });
      }
      if (!feed.wantsEvents()) return;
      for (const { event } of chunks.flatMap((chunk) => chunk.events)) feed.publish(eventItem(event));
    },
    rebuilt(_cluster, { migrations, findings, ended, fresh, goneMigrations }, { ms, readAt }) {
      trouble = null;
      metrics.rebuildSeconds.observe({}, ms / 1000);
      for (const migration of migrations) {
        const { id, outcome } = migration;
        if (outcome === 'running') open.add(id);
        else open.delete(id);
        if (ended.has(id)) metrics.migrations.add({ outcome });
        feed.publish(migrationItem(migration));
      }
      for (const { id } of goneMigrations) open.delete(id);
      metrics.openMigrations.set({}, open.size);
      for (const { id, finding, migration } of findings) {
        const { detector, severity, vm, host, summary } = finding;
        if (fresh.has(id)) {
          metrics.findings.add({ detector, severity });
          if (readAt !== null) metrics.findingLatencySeconds.observe({}, (Date.now() - readAt) / 1000);
          if (severity !== 'info') log.warn({ detector, severity, vm, host, summary }, 'finding');
        }
        feed.publish(findingItem(finding, migration));
      }
    },
    deadLetter(problem, { offset }) {
      metrics.chunksDead.add({ reason: 'header' });
      log.error({ problem, offset }, 'a message cannot be read, it is kept in the dead letters');
    },
    failed(error) {
      trouble = `processing fails: ${error instanceof Error ? error.message : String(error)}`;
      log.error({ error }, 'processing failed, it is tried again');
    },
  };
}

function eventItem(event: Event): FeedItem {
  const { body, origin, at } = event;
  const vm = ('vm' in body ? body.vm : null) ?? origin.file.vm;
  return { kind: 'event', at, vm, hosts: [origin.file.host], document: event };
}

function migrationItem(migration: Migration): FeedItem {
  const { vm, lastSeenAt } = migration;
  return { kind: 'migration', at: lastSeenAt, vm, hosts: hostsOf(migration), document: migrationDocument(migration) };
}

/** A finding about a migration concerns both its hosts. */
function findingItem(finding: Finding, migration: Migration | null): FeedItem {
  const { from, vm, host } = finding;
  const hosts = [...(host === null ? [] : [host]), ...(migration === null ? [] : hostsOf(migration))];
  return {
    kind: 'finding',
    at: from,
    vm,
    hosts: [...new Set(hosts)],
    document: findingDocument(finding),
    quotes: finding.evidence.map(messageOf),
  };
}

function hostsOf({ source, destination }: Migration): readonly string[] {
  return [source, destination].filter((host) => host !== null);
}
