import type { AnalysisDocument } from '../reports/json.ts';
import { findingDocument, migrationDocument } from '../reports/json.ts';
import { toFindingMessage, type FindingChange } from '../reports/finding-message.ts';
import { messageOf } from '../reports/incident/quotes.ts';
import { FINDINGS_TOPIC, type Producer, type StreamMessage } from '../stream/stream.ts';
import type { Changes, TimelineStore } from './timelines.ts';

/** How findings are sent. */
export interface Publishing {
  /** Unix ms. */
  now(): number;
  /** Names the tables that the findings are in, where processors do not share them; `null` where they do. */
  readonly origin: string | null;
}

/**
 * Timelines whose findings are also told to other programs, through the findings topic. They are sent before they are stored:
 * what was sent and not stored is found, and sent, again, so that none is missed and some come twice.
 */
export function publishFindings(timelines: TimelineStore, producer: Producer, { now, origin }: Publishing): TimelineStore {
  return {
    ...timelines,
    async write(cluster, changes) {
      const messages = messagesOf(cluster, changes, { at: now(), origin });
      if (messages.length > 0) await producer.send(FINDINGS_TOPIC, messages);
      await timelines.write(cluster, changes);
    },
  };
}

function messagesOf(
  cluster: string,
  { findings, fresh, goneFindings }: Changes,
  { at, origin }: { readonly at: number; readonly origin: string | null },
): readonly StreamMessage[] {
  const found = findings.map(({ id, finding, migration }): FindingChange => {
    return {
      change: fresh.has(id) ? 'found' : 'changed',
      id,
      cluster,
      at,
      finding: findingDocument(finding),
      migration: migration === null ? null : migrationDocument(migration),
      quotes: finding.evidence.map(messageOf),
    };
  });
  const gone = goneFindings.map(({ id, document }): FindingChange => {
    const finding = JSON.parse(document) as AnalysisDocument['findings'][number];
    return { change: 'withdrawn', id, cluster, at, finding, migration: null, quotes: [] };
  });
  return [...found, ...gone].map((change) => ({
    key: encodeURIComponent(cluster),
    headers: { schema: 'precopy/finding@1', ...(origin === null ? {} : { origin }) },
    value: Buffer.from(JSON.stringify(toFindingMessage(change))),
  }));
}
