import { duration, secondOf } from '../lib/units.ts';
import type { Check } from '../model/diagnosis.ts';
import type { CollectorReport } from '../model/event.ts';
import type { Store } from '../store/store.ts';

/** Whose collectors are asked for; empty texts are all. */
export interface CollectorScope {
  readonly cluster: string;
  readonly host: string;
  /** Unix ms. */
  readonly now: number;
}

/** What a collector said last. */
interface LastWord {
  readonly cluster: string;
  readonly host: string;
  readonly collector: string;
  readonly state: CollectorReport['state'];
  readonly text: string;
  readonly at: number;
  /** With `listening`, which an observer of the network says every minute. */
  readonly heardAt: number;
}

/** When something came of a host, and how regularly. */
interface Rhythm {
  readonly cluster: string;
  readonly host: string;
  readonly source: string;
  readonly lastAt: number;
  /** 99 % of the chunks came no later than this after the one before. */
  readonly p99GapMs: number;
}

/** Nothing for so long, from something that speaks every few seconds, is silence. */
const SILENT_MS = 180_000;
/** Of a host that has no collector which speaks by the clock. */
const QUIET_HOST_MS = 86_400_000;
/** Rhythms are those of a week. */
const RHYTHM_MS = 7 * 86_400_000;

/** Collectors that speak by the clock, by the source of what they write; the others do when something happens. */
const REGULAR: Readonly<Record<string, string>> = { sensors: 'sensors', heartbeat: 'heartbeat' };

/** One check a collector: its last word, and whether it is still heard of. One that was turned off is left out. */
export async function collectorChecks(store: Store, scope: CollectorScope): Promise<readonly Check[]> {
  const words = await lastWords(store, scope);
  const rhythms = await rhythmsOf(store, scope);
  return words
    .filter(
      (word) => word.state !== 'stopped' || !words.some((other) => isSameHost(word, other) && other.at > word.at + SILENT_MS),
    )
    .map((word) => checkOf(word, silenceOf(word, { words, rhythms, now: scope.now })));
}

function lastWords(store: Store, { cluster, host }: CollectorScope): Promise<readonly LastWord[]> {
  return store.query<LastWord>(
    `SELECT cluster, host, JSONExtractString(body, 'collector') AS collector,
       argMaxIf(JSONExtractString(body, 'state'), (stored.at, offset), JSONExtractString(body, 'state') != 'listening') AS state,
       argMaxIf(JSONExtractString(body, 'text'), (stored.at, offset), JSONExtractString(body, 'state') != 'listening') AS text,
       toUnixTimestamp64Milli(maxIf(stored.at, JSONExtractString(body, 'state') != 'listening')) AS at,
       toUnixTimestamp64Milli(max(stored.at)) AS heardAt
     FROM events AS stored
     WHERE kind = 'collector-report' AND {host: String} IN ('', host) AND {cluster: String} IN ('', cluster)
     GROUP BY cluster, host, collector HAVING state != '' ORDER BY cluster, host, collector`,
    { host, cluster },
  );
}

function rhythmsOf(store: Store, { cluster, host, now }: CollectorScope): Promise<readonly Rhythm[]> {
  return store.query<Rhythm>(
    `SELECT cluster, host, source, toUnixTimestamp64Milli(max(observed_at)) AS lastAt, quantileIf(0.99)(gap, gap IS NOT NULL) AS p99GapMs
     FROM (
       SELECT cluster, host, source, observed_at,
         dateDiff('millisecond', lagInFrame(toNullable(observed_at)) OVER (PARTITION BY cluster, host, source ORDER BY observed_at
           ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), observed_at) AS gap
       FROM ranges FINAL
       WHERE observed_at >= fromUnixTimestamp64Milli({since: Int64}) AND {host: String} IN ('', host) AND {cluster: String} IN ('', cluster)
     )
     GROUP BY cluster, host, source`,
    { host, cluster, since: now - RHYTHM_MS },
  );
}

interface Heard {
  readonly words: readonly LastWord[];
  readonly rhythms: readonly Rhythm[];
  readonly now: number;
}

/** How long nothing was heard, where that is too long, ms; `null` where it is not. */
function silenceOf(word: LastWord, { words, rhythms, now }: Heard): number | null {
  if (!isRunning(word)) return null;
  const ofHost = rhythms.filter((rhythm) => isSameHost(word, rhythm));
  const regular = ofHost.find(({ source }) => source === REGULAR[word.collector]);
  if (regular !== undefined) return beyond(now - regular.lastAt, Math.max(SILENT_MS, 3 * (regular.p99GapMs ?? 0)));
  if (isListener(word)) return beyond(now - word.heardAt, SILENT_MS);
  const last = Math.max(word.heardAt, ...ofHost.map(({ lastAt }) => lastAt));
  const speaksOften = words.some((other) => isSameHost(word, other) && isRunning(other) && isRegular(other));
  return beyond(now - last, speaksOften ? SILENT_MS : QUIET_HOST_MS);
}

function beyond(ms: number, limitMs: number): number | null {
  return ms > limitMs ? ms : null;
}

function isRunning({ state }: LastWord): boolean {
  return state === 'running' || state === 'starting';
}

function isListener({ collector }: LastWord): boolean {
  return collector.startsWith('arp:');
}

function isRegular(word: LastWord): boolean {
  return isListener(word) || REGULAR[word.collector] !== undefined;
}

function isSameHost(a: Pick<LastWord, 'cluster' | 'host'>, b: Pick<LastWord, 'cluster' | 'host'>): boolean {
  return a.cluster === b.cluster && a.host === b.host;
}

function checkOf(word: LastWord, silentMs: number | null): Check {
  const { host, collector, state, text, at } = word;
  const base = { name: `${collector} of ${host}`, parts: [] };
  if (silentMs !== null) {
    return {
      ...base,
      state: 'warn',
      summary: `silent: nothing for ${duration(silentMs)}, although it never said that it stops`,
      details: [],
      hint: `on ${host}: does precopy run there, and can it reach this stream?`,
    };
  }
  const since = `since ${secondOf(at)}`;
  if (isRunning(word))
    return { ...base, state: 'ok', summary: `${state} ${since}`, details: text === '' ? [] : [text], hint: null };
  // the text of one that lacks something names the program or the file, and what to do
  return {
    ...base,
    state: 'warn',
    summary: `${state} ${since}${text === '' ? '' : `: ${text}`}`,
    details: [],
    hint:
      state === 'stopped'
        ? `precopy was told to end on ${host}, or its configuration was read anew and names the host or the collector no more; else precopy up starts it again`
        : null,
  };
}
