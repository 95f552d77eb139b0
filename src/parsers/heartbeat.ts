import { z } from 'zod';
import type { EventBody } from '../model/event.ts';
import type { RejectReason } from '../model/source.ts';
import { JSON_LINE_HEADER, readJsonLine, recordedStamp } from './json-line.ts';
import type { Groups, Parser, Rule } from './parser.ts';

const probe = z.object({
  path: z.string(),
  latency_ms: z.number().nonnegative(),
  error: z.string().nullable().default(null),
});

const age = z.object({ path: z.string(), age_ms: z.number() });

/** Where CloudStack mounts a primary storage pool, and its heartbeat file of one host: `/mnt/<pool>/KVMHA/hb-<address>`; ours beside it is `precopy-<host>`. */
const HEARTBEAT_FILE = /^(?:\/mnt\/([^/]+))?(?:\/.*)?\/(?:hb|precopy)-([^/]+)$/;
const PENDING = /^no answer within \d+ ms, still waiting$/;

function probed(groups: Groups): EventBody | RejectReason {
  const line = readJsonLine(probe, groups);
  if (typeof line === 'string') return line;
  const { path, latency_ms: latencyMs, error } = line;
  const pending = error !== null && PENDING.test(error);
  return {
    kind: 'heartbeat-probe',
    ...fileOf(path),
    latencyMs,
    pending,
    errorText: pending ? null : error,
  };
}

function aged(groups: Groups): EventBody | RejectReason {
  const line = readJsonLine(age, groups);
  return typeof line === 'string' ? line : { kind: 'heartbeat-age', ...fileOf(line.path), ageMs: line.age_ms };
}

function fileOf(path: string): { readonly pool: string | null; readonly address: string | null } {
  // by number: names cost more than the match, and this is done for every write
  const [, pool = null, address = null] = HEARTBEAT_FILE.exec(path) ?? [];
  return { pool, address };
}

const FILE = '/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/KVMHA/hb-10.77.0.2';
const OWN = FILE.replace('hb-10.77.0.2', 'precopy-kvm-b');
const file = { pool: '5ca1759a-88e2-4b65-9134-bfd3159528f5', address: '10.77.0.2' } as const;

const rules: readonly Rule[] = [
  {
    name: 'age',
    versions: 'all',
    message: /^,"path":"(?<rest>(?:[^"\\]|\\.){0,4096}","age_ms":[^]*)$/,
    contains: '"age_ms":',
    event: ({ rest = '', ...groups }) => aged({ ...groups, rest: `,"path":"${rest}` }),
    samples: [
      {
        record: `{"at":"2026-11-23T04:51:21.997Z","path":"${FILE}","age_ms":34120}`,
        at: '2026-11-23T04:51:21.997Z',
        events: [{ kind: 'heartbeat-age', ...file, ageMs: 34_120 }],
      },
    ],
  },
  {
    name: 'probe',
    versions: 'all',
    message: /^(?<rest>[^]+)$/,
    starts: [],
    event: probed,
    samples: [
      {
        record: `{"at":"2026-11-23T04:51:21.997Z","path":"${FILE}","latency_ms":7,"error":null}`,
        at: '2026-11-23T04:51:21.997Z',
        events: [{ kind: 'heartbeat-probe', ...file, latencyMs: 7, pending: false, errorText: null }],
      },
      {
        record: `{"at":"2026-11-23T04:51:22.997Z","path":"${OWN}","latency_ms":4,"error":null}`,
        at: '2026-11-23T04:51:22.997Z',
        events: [{ kind: 'heartbeat-probe', ...file, address: 'kvm-b', latencyMs: 4, pending: false, errorText: null }],
      },
      {
        record: `{"at":"2026-11-23T04:51:30.998Z","path":"${FILE}","latency_ms":5000,"error":"no answer within 5000 ms, still waiting"}`,
        at: '2026-11-23T04:51:30.998Z',
        events: [{ kind: 'heartbeat-probe', ...file, latencyMs: 5000, pending: true, errorText: null }],
      },
      {
        record: `{"at":"2026-11-23T04:51:40.998Z","path":"${FILE}","latency_ms":0,"error":"EROFS: read-only file system, open '${FILE}'"}`,
        at: '2026-11-23T04:51:40.998Z',
        events: [
          {
            kind: 'heartbeat-probe',
            ...file,
            latencyMs: 0,
            pending: false,
            errorText: `EROFS: read-only file system, open '${FILE}'`,
          },
        ],
      },
    ],
  },
];

/** Ages of CloudStack's heartbeat files, and writes beside them, as Precopy's collector measures them from outside. */
export const heartbeat: Parser = {
  source: 'heartbeat',
  title: "Heartbeat: age of CloudStack's files, and latency of writes to primary storage",
  reference:
    "heartbeat.jsonl, one JSON object a line, of Precopy's own probe; file names as kvmheartbeat.sh of apache/cloudstack has them",
  paths: /(?:^|[/._-])heartbeat\.jsonl$/,
  recognises: /"(?:latency|age)_ms":/,
  header: JSON_LINE_HEADER,
  time: ({ time }) => recordedStamp(time),
  rules,
};
