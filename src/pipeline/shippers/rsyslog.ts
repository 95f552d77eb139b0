import type { Shipper } from './shipper.ts';
import { readSyslogFields } from './syslog-fields.ts';

/** rsyslog's `omkafka` with the template of `deploy/shippers/rsyslog.conf`: lines of `imfile`, and messages of syslog. */
export const rsyslog: Shipper = {
  format: 'rsyslog',
  title: 'rsyslog',
  reference:
    'rsyslog.com/doc: configuration/modules/omkafka, imfile (addMetadata), configuration/templates (option.jsonf). Samples as rsyslogd 8.2302 printed them with the template we ask for',
  configuration: 'rsyslog.conf',
  read: ({ value }) => readSyslogFields(value),
  samples: [
    {
      name: 'a line of imfile',
      message: {
        value:
          '{"@timestamp":"2026-11-24T11:43:51.500867+00:00", "host":"kvm1", "program":"precopy", "procid":"-", "path":"\\/var\\/log\\/cloudstack\\/agent\\/agent.log", "message":"java.lang.RuntimeException: a\\ttab \\\\ backslash"}',
      },
      lines: [
        {
          text: 'java.lang.RuntimeException: a\ttab \\ backslash',
          host: 'kvm1',
          path: '/var/log/cloudstack/agent/agent.log',
          program: null,
          at: Date.UTC(2026, 10, 24, 11, 43, 51, 500),
          place: null,
        },
      ],
    },
    {
      name: 'lines that imfile joined by startmsg.regex end in a line break',
      message: {
        value:
          '{"@timestamp":"2026-11-24T11:43:51.500813+00:00", "host":"kvm1", "program":"precopy", "procid":"-", "path":"\\/var\\/log\\/cloudstack\\/agent\\/agent.log", "message":"Live migration \\"took\\" 5 s\\njava.lang.RuntimeException: a\\ttab \\\\ backslash\\n\\tat com.cloud.A.b(A.java:1)\\n"}',
      },
      lines: [
        {
          text: 'Live migration "took" 5 s\njava.lang.RuntimeException: a\ttab \\ backslash\n\tat com.cloud.A.b(A.java:1)',
          host: 'kvm1',
          path: '/var/log/cloudstack/agent/agent.log',
          program: null,
          at: Date.UTC(2026, 10, 24, 11, 43, 51, 500),
          place: null,
        },
      ],
    },
  ],
};
