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

/** Where CloudStack mounts a primary storage pool, and its heartbeat file of one host: `/mnt/<pool>/KVMHA/hb-<address>`. */
const HEARTBEAT_FILE = /^(?:\/mnt\/(?<pool>[^/]+))?(?:\/.*)?\/hb-(?<address>[^/]+)$/;
const PENDING = /^no answer within \d+ ms, still waiting$/;

function probed(groups: Groups): EventBody | RejectReason {
  const line = readJsonLine(probe, groups);
  if (typeof line === 'string') return line;
  const { path, latency_ms: latencyMs, error } = line;
  const file = HEARTBEAT_FILE.exec(path)?.groups;
  const pending = error !== null && PENDING.test(error);
  return {
    kind: 'heartbeat-probe',
    pool: file?.['pool'] ?? null,
    address: file?.['address'] ?? null,
    latencyMs,
    pending,
    errorText: pending ? null : error,
  };
}

const FILE = '/mnt/5ca1759a-88e2-4b65-9134-bfd3159528f5/KVMHA/hb-10.77.0.2';
const file = { pool: '5ca1759a-88e2-4b65-9134-bfd3159528f5', address: '10.77.0.2' } as const;

const rules: readonly Rule[] = [
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

/** Writes to CloudStack's heartbeat files, timed from outside by Precopy's collector. */
export const heartbeat: Parser = {
  source: 'heartbeat',
  title: 'Heartbeat probe: latency of writes to primary storage',
  reference:
    "heartbeat.jsonl, one JSON object a line, of Precopy's own probe; file names as kvmheartbeat.sh of apache/cloudstack has them",
  paths: /(?:^|[/._-])heartbeat\.jsonl$/,
  recognises: /"latency_ms":/,
  header: JSON_LINE_HEADER,
  time: ({ time }) => recordedStamp(time),
  rules,
};
