import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { groupBy } from '../src/lib/group.ts';
import { identify } from '../src/ingest/identify.ts';
import { parsers } from '../src/parsers/index.ts';
import { createZoneCache } from '../src/pipeline/instant.ts';
import { parseChunk } from '../src/pipeline/parse-chunk.ts';
import { zoneNamed } from '../src/timeline/zone.ts';
import { chunksOf } from './pipeline/chunks.ts';

/** A recording as it would have been at another time and of other VMs. */
export interface Part {
  readonly folder: string;
  /** Its first second, Unix ms. */
  readonly at: number;
  /** What its VMs and their MAC addresses have in their names, so that no two parts have the same; 1 to 99. */
  readonly vms: number;
  /** All of its VMs are this one, which ran on the source already. */
  readonly as?: { readonly name: string; readonly mac: string };
  /** kvm-a is kvm-b, and the other way round. */
  readonly swapped?: boolean;
}

/** Zone in which the agents of merged recordings write. */
const ZONE = 'Europe/Berlin';

const STAMP = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/g;
const FDB_STAMP = /Timestamp: (\w{3} \w{3} +\d+ [\d:]{8} \d{4})/g;
const QMP_STAMP = /("timestamp": ?\{"seconds": ?)(\d+)/g;

interface Label {
  readonly agentLogTimeZone: string;
  readonly recorded: { readonly from: string; readonly to: string };
  readonly vms: readonly { readonly name: string; readonly mac: string }[];
}

function labelOf(folder: string): Label {
  return JSON.parse(readFileSync(join(folder, 'label.json'), 'utf8')) as Label;
}

/** How long a recording goes on, ms. */
export function lengthOf(folder: string): number {
  const { from, to } = labelOf(folder).recorded;
  return Date.parse(to) - Date.parse(from);
}

/** Writes a folder with the logs of several recordings as of one cluster: every file holds what it has of each of them. */
export function merge(folder: string, parts: readonly Part[]): void {
  const files = groupBy(parts.toSorted((a, b) => a.at - b.at).flatMap(filesOf), ({ path }) => path);
  for (const [path, own] of files) {
    const records = own.flatMap(({ text, part }, i) =>
      recordsOf(path, text).filter((one, n) => !(i > 0 && begins(one.text, n, part))),
    );
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      records
        .toSorted((a, b) => a.at - b.at)
        .map(({ text }) => text)
        .join(''),
    );
  }
  const to = Math.max(...parts.map((part) => part.at + lengthOf(part.folder)));
  writeFileSync(
    join(folder, 'label.json'),
    JSON.stringify({ agentLogTimeZone: ZONE, recorded: { to: new Date(to).toISOString() } }),
  );
}

/** What only the first of several parts may say: daemons were started once, and a VM that ran already, too. */
function begins(text: string, n: number, { as }: Part): boolean {
  if (n < 2 && / info : (?:libvirt version|hostname): /.test(text)) return true;
  return as !== undefined && n === 0 && text.includes('starting up libvirt') && !text.includes('-incoming');
}

interface Retold {
  readonly part: Part;
  readonly path: string;
  readonly text: string;
}

function filesOf(part: Part): readonly Retold[] {
  return readdirSync(part.folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path !== 'label.json' && statSync(join(part.folder, path)).isFile())
    .map((path) => ({ part, path: renamed(path, part), text: retold(path, part) }))
    .filter(({ text }) => text !== '');
}

function retold(path: string, part: Part): string {
  const text = readFileSync(join(part.folder, path), 'utf8');
  const { agentLogTimeZone, recorded } = labelOf(part.folder);
  const from = Date.parse(recorded.from);
  const ahead = (zone: string): number => zoneNamed(zone)?.offsetsMs(from)[0] ?? 0;
  // to the second, so that what is behind it stays as it was
  const laterMs = Math.round((part.at - from) / 1000) * 1000;
  const moveMs = laterMs + (path.endsWith('agent.log') ? ahead(ZONE) - ahead(agentLogTimeZone) : 0);
  const moved = writtenLater(text, moveMs);
  return renamed(moved === '' || moved.endsWith('\n') ? moved : `${moved}\n`, part);
}

/** A text as it would have been written so much later; whole seconds, ms. */
export function writtenLater(text: string, ms: number): string {
  return text
    .replaceAll(STAMP, (at) =>
      new Date(Date.parse(`${at.replace(' ', 'T')}Z`) + ms).toISOString().slice(0, 19).replace('T', at.slice(10, 11)),
    )
    .replaceAll(FDB_STAMP, (_, at: string) => `Timestamp: ${asctime(Date.parse(`${at} UTC`) + ms)}`)
    .replaceAll(QMP_STAMP, (_, before: string, seconds: string) => `${before}${Number(seconds) + ms / 1000}`);
}

function asctime(at: number): string {
  const [weekday = '', day = '', month = '', year = '', clock = ''] = new Date(at).toUTCString().split(/,? /);
  return `${weekday} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`;
}

function renamed(text: string, { folder, vms, as, swapped = false }: Part): string {
  let result = text;
  for (const { name, mac } of labelOf(folder).vms) {
    const other = as ?? {
      name: name.replace(/^i-(\d+)-/, `i-$1${vms}-`),
      mac: `02:00:${(0x80 + vms).toString(16)}${mac.slice(8)}`,
    };
    // of its tap device the first two are others
    result = result.replaceAll(name, other.name).replaceAll(mac.slice(6), other.mac.slice(6));
  }
  result = result.replaceAll(/\b(mon[= ])0x([0-9a-f]{4})/g, (_, before: string, hex: string) => `${before}0x${vms}${hex}`);
  if (!swapped) return result;
  return result
    .replaceAll(/\bkvm-([ab])\b/g, (_, host: string) => (host === 'a' ? 'kvm-b' : 'kvm-a'))
    .replaceAll(/\b10\.77\.0\.([12])\b/g, (_, n: string) => `10.77.0.${n === '1' ? 2 : 1}`);
}

interface TimedText {
  readonly at: number;
  readonly text: string;
}

/** The records of a text; those without a time have that of the record before. */
function recordsOf(path: string, text: string): readonly TimedText[] {
  const identity = identify({ path, absolute: path, head: text.slice(0, 65_536) }, parsers, { hosts: [], sources: [] });
  if (identity === null) throw new Error(`what is ${path}?`);
  const { host, source, vm } = identity.context;
  const zone = source === 'cloudstack-agent' ? ZONE : 'UTC';
  const observedAt = Date.UTC(2026, 11, 1);
  const header = { cluster: '', host, source, path, vm, zone, fileId: '', offset: 0, line: 0, observedAt };
  const zones = createZoneCache();
  let last = 0;
  return chunksOf({ header, parser: identity.parser, bytes: Buffer.from(text) }, () => 1).map((chunk) => {
    last = Math.max(last, parseChunk(chunk, identity.parser, zones).firstAt ?? last);
    return { at: last, text: Buffer.from(chunk.bytes).toString() };
  });
}
