import type { ShipperFormat } from '../../src/pipeline/shippers/shipper.ts';
import type { StreamMessage } from '../../src/stream/stream.ts';

/** A physical line of a file. */
export interface Line {
  readonly host: string;
  readonly path: string;
  readonly text: string;
  /** Bytes of the file before it. */
  readonly offset: number;
}

/** When a shipper of a recording would have read its lines. */
const READ_AT = '2026-11-25T00:00:00.000Z';

/** What each shipper sends of a line. */
const VALUES: Readonly<Record<Exclude<ShipperFormat, 'otlp-json'>, (line: Line) => string>> = {
  filebeat: ({ host, path, text, offset }) =>
    JSON.stringify({
      '@timestamp': READ_AT,
      '@metadata': { beat: 'filebeat', type: '_doc', version: '8.14.4' },
      log: { offset, file: { path, fingerprint: `print of ${host} ${path}` } },
      message: text,
      host: { name: host },
    }),
  'fluent-bit': ({ host, path, text, offset }) =>
    JSON.stringify({ '@timestamp': Date.parse(READ_AT) / 1000, path, offset, log: text, host }),
  vector: ({ host, path, text }) => JSON.stringify({ file: path, host, message: text, source_type: 'file', timestamp: READ_AT }),
  rsyslog: ({ host, path, text }) =>
    JSON.stringify({ '@timestamp': READ_AT, host, program: 'precopy', procid: '-', path, message: text }),
  'syslog-ng': ({ host, path, text }) =>
    JSON.stringify({ program: '', procid: '', path, message: text, host, '@timestamp': READ_AT }),
  plain: ({ text }) => text,
};

/** The formats. */
export const ENVELOPES: readonly ShipperFormat[] = [
  'filebeat',
  'fluent-bit',
  'vector',
  'otlp-json',
  'rsyslog',
  'syslog-ng',
  'plain',
];

/** Lines as a shipper sends them: a message each, but for the OpenTelemetry Collector, which sends some together. */
export function enveloped(format: ShipperFormat, lines: readonly Line[]): readonly StreamMessage[] {
  if (format === 'otlp-json') return together(lines);
  return lines.map((line) => ({
    key: line.host,
    headers: format === 'plain' ? { host: line.host, path: line.path } : {},
    value: Buffer.from(VALUES[format](line)),
  }));
}

const LINES_A_MESSAGE = 23;

function together(lines: readonly Line[]): readonly StreamMessage[] {
  const messages: StreamMessage[] = [];
  for (let i = 0; i < lines.length; i += LINES_A_MESSAGE) {
    const resourceLogs = lines.slice(i, i + LINES_A_MESSAGE).map(({ host, path, text }) => ({
      resource: { attributes: [{ key: 'host.name', value: { stringValue: host } }] },
      scopeLogs: [
        {
          scope: {},
          logRecords: [
            {
              observedTimeUnixNano: `${Date.parse(READ_AT)}000000`,
              body: { stringValue: text },
              attributes: [{ key: 'log.file.path', value: { stringValue: path } }],
              traceId: '',
              spanId: '',
            },
          ],
        },
      ],
    }));
    messages.push({ key: '', headers: {}, value: Buffer.from(JSON.stringify({ resourceLogs })) });
  }
  return messages;
}
