import { z } from 'zod';
import { instantOf, readJson, withoutBreak } from './json-message.ts';
import type { Shipper } from './shipper.ts';

const record = z
  .object({
    '@timestamp': z.union([z.number(), z.string()]).optional(),
    log: z.string().optional(),
    message: z.string().optional(),
    path: z.string().min(1).optional(),
    filename: z.string().min(1).optional(),
    host: z.string().min(1).optional(),
    hostname: z.string().min(1).optional(),
  })
  .refine(({ log, message }) => (log ?? message) !== undefined, { error: 'neither log nor message' });

/** Fluent Bit's `kafka` output in JSON, input `tail`. */
export const fluentBit: Shipper = {
  format: 'fluent-bit',
  title: 'Fluent Bit',
  reference:
    'docs.fluentbit.io: outputs/kafka (timestamp_key, timestamp_format), inputs/tail (key log, path_key); what arrives: fluent/fluent-bit#3050, #6132. The host is what the filter `modify` adds as host or hostname',
  configuration: 'fluent-bit.conf',
  read({ value }) {
    const read = readJson(value, record);
    if ('problem' in read) return read;
    const { '@timestamp': timestamp, log, message, path, filename, host, hostname } = read.found;
    return {
      lines: [
        {
          text: withoutBreak(log ?? message ?? ''),
          host: host ?? hostname ?? null,
          path: path ?? filename ?? null,
          program: null,
          // seconds, unless timestamp_format says iso8601
          at: typeof timestamp === 'number' ? Math.floor(timestamp * 1000) : instantOf(timestamp),
          place: null,
        },
      ],
    };
  },
  samples: [
    {
      name: 'path_key path, as in fluent/fluent-bit#3050',
      message: { value: '{"@timestamp":1612909053.768296,"path":"lines.txt","log":"{\\"log\\": \\"aaa\\"}"}' },
      lines: [{ text: '{"log": "aaa"}', host: null, path: 'lines.txt', program: null, at: 1_612_909_053_768, place: null }],
    },
    {
      name: 'with a host, an offset, and iso8601_ns',
      message: {
        value:
          '{"@timestamp":"2022-09-30T09:27:40.954726Z","path":"/var/log/cloudstack/agent/agent.log","offset":4096,"log":"one line","host":"kvm1"}',
      },
      lines: [
        {
          text: 'one line',
          host: 'kvm1',
          path: '/var/log/cloudstack/agent/agent.log',
          program: null,
          at: Date.UTC(2022, 8, 30, 9, 27, 40, 954),
          place: null,
        },
      ],
    },
  ],
};
