import type { Shipper } from './shipper.ts';
import { readSyslogFields } from './syslog-fields.ts';

/** syslog-ng's `kafka-c` destination with the `$(format-json …)` of `deploy/shippers/syslog-ng.conf`. */
export const syslogNg: Shipper = {
  format: 'syslog-ng',
  title: 'syslog-ng',
  reference:
    'syslog-ng Open Source Edition administration guide: kafka-c() destination, $(format-json), macros FILE_NAME, HOST, PROGRAM, PID, R_ISODATE. Samples as syslog-ng 3.38 printed them with the template we ask for',
  configuration: 'syslog-ng.conf',
  read: ({ value }) => readSyslogFields(value),
  samples: [
    {
      name: 'a line of a file',
      message: {
        value:
          '{"program":"","procid":"","path":"/var/log/cloudstack/agent/agent.log","message":"java.lang.RuntimeException: a\\ttab \\\\ backslash","host":"vm","@timestamp":"2026-11-24T11:43:57+00:00"}',
      },
      lines: [
        {
          text: 'java.lang.RuntimeException: a\ttab \\ backslash',
          host: 'vm',
          path: '/var/log/cloudstack/agent/agent.log',
          program: null,
          at: Date.UTC(2026, 10, 24, 11, 43, 57),
          place: null,
        },
      ],
    },
  ],
};
