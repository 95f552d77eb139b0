import { z } from 'zod';
import { instantOf, readJson, withoutBreak } from './json-message.ts';
import type { Shipper } from './shipper.ts';

const event = z.object({
  message: z.string(),
  file: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  timestamp: z.string().optional(),
});

/** Vector's `kafka` sink with `encoding.codec: json`, source `file`. */
export const vector: Shipper = {
  format: 'vector',
  title: 'Vector',
  reference: 'vector.dev/docs/reference/configuration/sources/file (output data: file, host, message, source_type, timestamp)',
  configuration: 'vector.yaml',
  read({ value }) {
    const read = readJson(value, event);
    if ('problem' in read) return read;
    const { message, file = null, host = null, timestamp } = read.found;
    return { lines: [{ text: withoutBreak(message), host, path: file, program: null, at: instantOf(timestamp), place: null }] };
  },
  samples: [
    {
      name: 'a line',
      message: {
        value:
          '{"file":"/var/log/cloudstack/agent/agent.log","host":"kvm1","message":"53.126.150.246 - - [01/Oct/2020:11:25:58 -0400] \\"GET /disintermediate HTTP/2.0\\" 401 20308","source_type":"file","timestamp":"2025-05-05T15:31:50.958956003Z"}',
      },
      lines: [
        {
          text: '53.126.150.246 - - [01/Oct/2020:11:25:58 -0400] "GET /disintermediate HTTP/2.0" 401 20308',
          host: 'kvm1',
          path: '/var/log/cloudstack/agent/agent.log',
          program: null,
          at: Date.UTC(2025, 4, 5, 15, 31, 50, 958),
          place: null,
        },
      ],
    },
    {
      name: 'lines that it joined',
      message: {
        value:
          '{"file":"/etc/vector/RubyMultilineLog.log","host":"1712ba38984e","message":"foobar.rb:6:in `/\': divided by 0 (ZeroDivisionError)\\n\\tfrom foobar.rb:6:in `bar\'\\n\\tfrom foobar.rb:2:in `foo\'","source_type":"file","timestamp":"2025-05-05T15:43:13.444156472Z"}',
      },
      lines: [
        {
          text: "foobar.rb:6:in `/': divided by 0 (ZeroDivisionError)\n\tfrom foobar.rb:6:in `bar'\n\tfrom foobar.rb:2:in `foo'",
          host: '1712ba38984e',
          path: '/etc/vector/RubyMultilineLog.log',
          program: null,
          at: Date.UTC(2025, 4, 5, 15, 43, 13, 444),
          place: null,
        },
      ],
    },
  ],
};
