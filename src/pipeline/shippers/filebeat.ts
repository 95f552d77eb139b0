import { z } from 'zod';
import { instantOf, readJson, withoutBreak } from './json-message.ts';
import type { Shipper } from './shipper.ts';

const event = z.object({
  '@timestamp': z.string(),
  message: z.string(),
  host: z.object({ name: z.string().min(1) }).optional(),
  agent: z.object({ name: z.string().min(1).optional() }).optional(),
  log: z.object({
    offset: z.int().nonnegative().optional(),
    file: z.object({ path: z.string().min(1), fingerprint: z.string().min(1).optional() }),
  }),
});

/** Filebeat's Kafka output, inputs `filestream` and `log`. */
export const filebeat: Shipper = {
  format: 'filebeat',
  title: 'Filebeat',
  reference:
    'elastic.co/docs/reference/beats/filebeat: exported-fields-log, kafka-output; log.offset is the beginning of the event since 7.17.1 and 8.0.1 (elastic/beats#30445); fingerprint: elastic/beats#35734',
  configuration: 'filebeat.yml',
  read({ value }) {
    const read = readJson(value, event);
    if ('problem' in read) return read;
    const { '@timestamp': timestamp, message, host, agent, log } = read.found;
    const { fingerprint } = log.file;
    return {
      lines: [
        {
          text: withoutBreak(message),
          host: host?.name ?? agent?.name ?? null,
          path: log.file.path,
          program: null,
          at: instantOf(timestamp),
          place: fingerprint === undefined || log.offset === undefined ? null : { content: fingerprint, offset: log.offset },
        },
      ],
    };
  },
  samples: [
    {
      name: 'a line, Filebeat 8.14',
      message: {
        value:
          '{"@timestamp":"2024-09-07T08:02:54.662Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.14.4"},"ecs":{"version":"8.0.0"},"log":{"file":{"path":"/var/log/cloudstack/agent/agent.log"},"offset":0},"message":"hello world","input":{"type":"log"},"host":{"name":"kvm1"},"agent":{"name":"kvm1","type":"filebeat","version":"8.14.4"}}',
      },
      lines: [
        {
          text: 'hello world',
          host: 'kvm1',
          path: '/var/log/cloudstack/agent/agent.log',
          program: null,
          at: Date.UTC(2024, 8, 7, 8, 2, 54, 662),
          place: null,
        },
      ],
    },
    {
      name: 'lines that it joined, of a file that it knows by its first bytes',
      message: {
        value:
          '{"@timestamp":"2025-12-15T05:53:32.383Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.12.0"},"ecs":{"version":"8.0.0"},"host":{"name":"kvm2"},"log":{"file":{"path":"/var/log/libvirt/qemu/i-2-10-VM.log","device_id":"64514","inode":"4875800","fingerprint":"2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a"},"offset":1543,"flags":["multiline"]},"message":"first\\n\\tat second"}',
      },
      lines: [
        {
          text: 'first\n\tat second',
          host: 'kvm2',
          path: '/var/log/libvirt/qemu/i-2-10-VM.log',
          program: null,
          at: Date.UTC(2025, 11, 15, 5, 53, 32, 383),
          place: { content: '2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a', offset: 1543 },
        },
      ],
    },
  ],
};
