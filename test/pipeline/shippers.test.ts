import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { shippers } from '../../src/pipeline/shippers/index.ts';
import { SHIPPER_FORMATS, type ShippedMessage, type ShipperSample } from '../../src/pipeline/shippers/shipper.ts';

function messageOf({ message: { key = '', headers = {}, value } }: ShipperSample): ShippedMessage {
  return { key, headers, value: Buffer.from(value) };
}

test('every format is read by one shipper, and every file of the folder is registered', () => {
  expect(shippers.map(({ format }) => format)).toEqual(SHIPPER_FORMATS);
  const files = readdirSync('src/pipeline/shippers').filter(
    (name) => !['index.ts', 'shipper.ts', 'json-message.ts', 'syslog-fields.ts'].includes(name),
  );
  expect(files).toHaveLength(shippers.length);
});

describe.each(shippers.map((shipper) => [shipper.format, shipper] as const))('%s', (format, shipper) => {
  test.each(shipper.samples.map((sample) => [sample.name, sample] as const))('%s: gives exactly its lines', (_name, sample) => {
    expect(shipper.read(messageOf(sample))).toEqual({ lines: sample.lines });
  });

  test('its configuration is in deploy/shippers', () => {
    expect(shipper.configuration === null || existsSync(`deploy/shippers/${shipper.configuration}`)).toBe(true);
  });

  test('what is no UTF-8 is refused with a reason', () => {
    expect(shipper.read({ key: 'h', headers: {}, value: Buffer.from([0x7b, 0xff, 0x7d]) })).toEqual({ problem: 'not UTF-8' });
  });

  test.runIf(format !== 'plain')('no beginning of a sample is read, and each is refused with a reason', () => {
    for (const sample of shipper.samples) {
      const { value } = messageOf(sample);
      for (let length = 0; length < value.length; length += 7) {
        const read = shipper.read({ key: '', headers: {}, value: value.subarray(0, length) });
        expect(read).toMatchObject({ problem: expect.stringMatching(/^not (JSON|UTF-8)/) });
      }
    }
  });

  test.runIf(format !== 'plain').each(['null', '[]', '7', '"text"', '{}', '{"message":7,"log":7,"resourceLogs":7}'])(
    '%s is refused with a reason',
    (value) => {
      expect(shipper.read({ key: '', headers: {}, value: Buffer.from(value) })).toMatchObject({
        problem: expect.stringMatching(/^(message|log|host|path|@timestamp|resourceLogs)\b.*: /),
      });
    },
  );
});
