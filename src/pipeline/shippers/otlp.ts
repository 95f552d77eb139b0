import { z } from 'zod';
import { readJson, withoutBreak } from './json-message.ts';
import type { ShippedLine, Shipper } from './shipper.ts';

const attributes = z.array(z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) })).default([]);

/** Nanoseconds since 1970: a 64-bit number, which is a string in the JSON of protobuf; 0 where it is not known. */
const nanoseconds = z.union([z.string().regex(/^\d{1,20}$/), z.int().nonnegative()]).optional();

const logs = z.object({
  resourceLogs: z.array(
    z.object({
      resource: z.object({ attributes }).optional(),
      scopeLogs: z
        .array(
          z.object({
            logRecords: z
              .array(
                z.object({
                  timeUnixNano: nanoseconds,
                  observedTimeUnixNano: nanoseconds,
                  body: z.object({ stringValue: z.string({ error: 'not text' }) }),
                  attributes,
                }),
              )
              .default([]),
          }),
        )
        .default([]),
    }),
  ),
});

type Attributes = z.infer<typeof attributes>;

/** The OpenTelemetry Collector's `kafka` exporter with `encoding: otlp_json`, receiver `filelog`. One message holds many lines. */
export const otlp: Shipper = {
  format: 'otlp-json',
  title: 'OpenTelemetry Collector',
  reference:
    'opentelemetry.io/docs/specs/otlp (JSON Protobuf Encoding), open-telemetry/opentelemetry-proto examples/logs.json; filelogreceiver: include_file_path gives the attribute log.file.path, resourcedetection the resource attribute host.name',
  configuration: 'otel-collector.yaml',
  read({ value }) {
    const read = readJson(value, logs);
    if ('problem' in read) return read;
    const lines = read.found.resourceLogs.flatMap(({ resource, scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) =>
        logRecords.map((record): ShippedLine => {
          const named = (key: string): string | null =>
            attributeOf(record.attributes, key) ?? attributeOf(resource?.attributes ?? [], key);
          return {
            text: withoutBreak(record.body.stringValue),
            host: named('host.name'),
            path: named('log.file.path'),
            program: null,
            at: msOf(record.observedTimeUnixNano) ?? msOf(record.timeUnixNano),
            place: null,
          };
        }),
      ),
    );
    return { lines };
  },
  samples: [
    {
      name: 'a line, of opentelemetry-proto/examples/logs.json',
      message: {
        value:
          '{ "resourceLogs": [ { "resource": { "attributes": [ { "key": "service.name", "value": { "stringValue": "my.service" } } ] }, "scopeLogs": [ { "scope": { "name": "my.library", "version": "1.0.0", "attributes": [ { "key": "my.scope.attribute", "value": { "stringValue": "some scope attribute" } } ] }, "logRecords": [ { "timeUnixNano": "1544712660300000000", "observedTimeUnixNano": "1544712660300000000", "severityNumber": 10, "severityText": "Information", "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "body": { "stringValue": "Example log record" }, "attributes": [ { "key": "string.attribute", "value": { "stringValue": "some string" } }, { "key": "boolean.attribute", "value": { "boolValue": true } }, { "key": "int.attribute", "value": { "intValue": "10" } }, { "key": "array.attribute", "value": { "arrayValue": { "values": [ { "stringValue": "many" }, { "stringValue": "values" } ] } } } ] } ] } ] } ] }',
      },
      lines: [{ text: 'Example log record', host: null, path: null, program: null, at: 1_544_712_660_300, place: null }],
    },
    {
      name: 'two lines of the filelog receiver',
      message: {
        value:
          '{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"kvm1"}}]},"scopeLogs":[{"scope":{},"logRecords":[{"observedTimeUnixNano":"1741274312475540000","body":{"stringValue":"2025-03-06 15:18:32 [DEBUG] - All we have to decide is what to do with the time that is given us. LOTR"},"attributes":[{"key":"log.file.path","value":{"stringValue":"quotes.log"}}],"traceId":"","spanId":""},{"observedTimeUnixNano":"1741274312475560000","body":{"stringValue":"2025-03-06 15:18:32 [DEBUG] - Your focus determines your reality. SW"},"attributes":[{"key":"log.file.path","value":{"stringValue":"quotes.log"}}],"traceId":"","spanId":""}]}],"schemaUrl":"https://opentelemetry.io/schemas/1.6.1"}]}',
      },
      lines: [
        {
          text: '2025-03-06 15:18:32 [DEBUG] - All we have to decide is what to do with the time that is given us. LOTR',
          host: 'kvm1',
          path: 'quotes.log',
          program: null,
          at: 1_741_274_312_475,
          place: null,
        },
        {
          text: '2025-03-06 15:18:32 [DEBUG] - Your focus determines your reality. SW',
          host: 'kvm1',
          path: 'quotes.log',
          program: null,
          at: 1_741_274_312_475,
          place: null,
        },
      ],
    },
  ],
};

function attributeOf(all: Attributes, key: string): string | null {
  const text = all.find((each) => each.key === key)?.value.stringValue;
  return text === undefined || text === '' ? null : text;
}

function msOf(time: string | number | undefined): number | null {
  const ms = Number(BigInt(time ?? 0) / 1_000_000n);
  return ms === 0 ? null : ms;
}
