import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventBody, Temperature } from '../../src/model/event.ts';
import { sensors } from '../../src/parsers/sensors.ts';
import { readLatin1, readTestFile, readText, timesOf } from './read-file.ts';

const raw = (name: string): string => readFileSync(join(import.meta.dirname, '../data/sensors', name), 'latin1');

function temperatures(bodies: readonly EventBody[]): readonly Temperature[] {
  return bodies.filter((body) => body.kind === 'temperature');
}

const read = (name: string): readonly Temperature[] => temperatures(readTestFile(sensors, `sensors/${name}`).bodies);

function temperature(name: string, celsius: number, rest: Partial<Temperature> = {}): Temperature {
  const [chip = '', sensor = ''] = name.split('/');
  return { kind: 'temperature', chip, sensor, celsius, highCelsius: null, critCelsius: null, alarm: false, ...rest };
}

const cpu = { highCelsius: 84, critCelsius: 100 };

/** The machine of all print-outs in test/data/sensors. */
const MACHINE: readonly Temperature[] = [
  temperature('k10temp-pci-00c3/Tctl', 72.1),
  temperature('k10temp-pci-00c3/Tdie', 72.1),
  temperature('k10temp-pci-00c3/Tccd1', 71.5),
  temperature('acpitz-virtual-0/temp1', 27.8, { critCelsius: 119 }),
  temperature('coretemp-isa-0000/Package id 0', 97, { ...cpu, alarm: true }),
  temperature('coretemp-isa-0000/Core 0', 45, cpu),
  temperature('coretemp-isa-0000/Core 1', -3, cpu),
  temperature('coretemp-isa-0001/Package id 1', 41, cpu),
  temperature('coretemp-isa-0001/Core 0', 38, cpu),
  temperature('nvme-pci-0100/Composite', 38.9, { highCelsius: 81.8, critCelsius: 84.8 }),
  temperature('nvme-pci-0100/Sensor 1', 38.9),
  temperature('nct6775-isa-0290/SYSTIN', 34, { highCelsius: 30, alarm: true }),
  temperature('jc42-i2c-0-18/temp1', 29.2, { highCelsius: 60, critCelsius: 100 }),
];

test.each([
  '360-text.stdout',
  '360-A.stdout',
  '360-u.stdout',
  '360-j.stdout',
  '360-jA.stdout',
  '360-jf.stdout',
  '362-text.stdout',
  '362-u.stdout',
  '362-j.stdout',
  '362-J.stdout',
])('%s: the same temperatures as every other format, nothing rejected', (name) => {
  expect(readTestFile(sensors, `sensors/${name}`).tally.rejected).toEqual({});
  expect(read(name)).toEqual(MACHINE);
});

test.each([
  ['360-j2.stdout', ['coretemp-isa-0000', 'nvme-pci-0100']],
  ['360-text-C.stdout', ['acpitz-virtual-0']],
  ['360-text-latin1.stdout', ['acpitz-virtual-0']],
])('%s: the chips that were asked for', (name, chips) => {
  expect(readTestFile(sensors, `sensors/${name}`).tally.rejected).toEqual({});
  expect(read(name)).toEqual(MACHINE.filter(({ chip }) => chips.includes(chip)));
});

test('Fahrenheit in text: the same temperatures, but for the rounding of both', () => {
  const found = read('360-f.stdout');
  expect(found.map(({ chip, sensor, alarm }) => [chip, sensor, alarm])).toEqual(
    MACHINE.map(({ chip, sensor, alarm }) => [chip, sensor, alarm]),
  );
  const far = found.filter(({ celsius, critCelsius }, at) => {
    const same = MACHINE[at];
    return Math.abs(celsius - (same?.celsius ?? NaN)) > 0.11 || Math.abs((critCelsius ?? 0) - (same?.critCelsius ?? 0)) > 0.11;
  });
  expect(far).toEqual([]);
});

test('raw Fahrenheit of 3.6.0 is told by its alarms, chip by chip', () => {
  const alarmed = ['coretemp-isa-0000', 'coretemp-isa-0001', 'nvme-pci-0100', 'nct6775-isa-0290', 'jc42-i2c-0-18'];
  const expected = MACHINE.filter(({ chip }) => alarmed.includes(chip));
  expect(read('360-uf.stdout').filter(({ chip }) => alarmed.includes(chip))).toEqual(expected);
});

test('raw Fahrenheit that nothing tells apart raises no false limit, alarm or impossible heat', () => {
  for (const name of ['362-uf.stdout', '362-jf.stdout', '360-uf.stdout']) {
    expect(readTestFile(sensors, `sensors/${name}`).tally.rejected).toEqual({});
    expect(read(name).filter(({ celsius, critCelsius }) => celsius >= 127 || (critCelsius ?? 0) >= 127)).toEqual([]);
  }
});

test('-j that is empty has no record', () => {
  expect(readText(sensors, '').tally).toMatchObject({ records: 0, rejected: {} });
});

describe('standard error in the same file', () => {
  const pairs = ['360-text', '360-u', '360-j', '360-jA', '362-text', '362-u', '362-j', '362-J'];

  test.each(pairs)('%s: printed first', (name) => {
    const { tally, bodies } = readLatin1(sensors, raw(`${name}.stderr`) + raw(`${name}.stdout`));
    expect(tally.rejected).toEqual({});
    expect(bodies).toEqual(MACHINE);
  });

  test.each(['360-u', '360-j', '362-j', '362-J'])('%s: anywhere, even inside a number', (name) => {
    const out = raw(`${name}.stdout`);
    const errors = raw(`${name}.stderr`);
    const places = [out.indexOf('temp1_input') + 5, out.indexOf('72.1') + 2, out.lastIndexOf('100'), out.length].filter(
      (at) => at > 4,
    );
    for (const at of places) {
      const { tally, bodies } = readLatin1(sensors, out.slice(0, at) + errors + out.slice(at));
      expect(tally.rejected).toEqual({});
      expect(bodies).toEqual(MACHINE);
    }
  });
});

describe('JSON that is none', () => {
  const object = (body: string): string => `{\n   "asusec-isa-0000":{\n      "Adapter": "ISA adapter",\n${body}   }\n}\n`;
  const cpu45 = '      "CPU":{\n         "temp1_input": 45.000\n      }';

  test.each([
    ['two features of one label', `${cpu45},\n      "CPU":{\n         "curr1_input": 20.000\n      }\n`],
    ['a comma too many', `${cpu45},\n`],
    ['a comma too many inside', '      "CPU":{\n         "temp1_input": 45.000,\n      }\n'],
    [
      'a value that is not a number',
      '      "CPU":{\n         "temp1_input": 45.000,\n         "temp1_reset_history": NaN\n      }\n',
    ],
    ['a label instead of a value', '      "CPU":{\n         "temp1_input": 45.000,\n(CPU)      }\n'],
  ])('%s', (_what, body) => {
    const { tally, bodies } = readText(sensors, object(body));
    expect(tally.rejected).toEqual({});
    expect(bodies).toEqual([temperature('asusec-isa-0000/CPU', 45)]);
  });

  test.each(['a "quoted" one', String.raw`back\slash`, 'trailing "'])('the label %s, as it was written', (label) => {
    const { bodies } = readText(sensors, object(cpu45.replace('CPU', label)));
    expect(bodies).toEqual([temperature(`asusec-isa-0000/${label}`, 45)]);
  });

  test('an object that ends in the middle is rejected', () => {
    expect(readLatin1(sensors, raw('360-j.stdout').slice(0, 900)).tally.rejected).toEqual({ 'bad-json': 1 });
    expect(readLatin1(sensors, raw('362-j.stdout').slice(0, 900)).tally.rejected).toEqual({ 'bad-json': 1 });
  });

  test('a hostile line ends in time', () => {
    for (const piece of ['"', '"a":"', '{"', '"":', '(']) {
      const started = performance.now();
      readText(sensors, `{${piece.repeat(65_536 / piece.length)}\n`);
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});

describe('values that are no measurement', () => {
  const chip = (line: string, name = 'nct6775-isa-0290'): string => `${name}\nAdapter: ISA adapter\n${line}\n\n`;

  test.each([
    'AUXTIN0:      -62.0°C  ',
    'AUXTIN0:     -128.0°C  ',
    'AUXTIN0:     +127.5°C  ',
    'AUXTIN0:       +0.0°C  (high = +80.0°C, hyst = +75.0°C)',
    'AUXTIN0:        FAULT  (high = +80.0°C, hyst = +75.0°C)',
    'AUXTIN0:          N/A  ',
  ])('%s', (line) => {
    expect(readText(sensors, chip(line))).toMatchObject({ bodies: [], tally: { rejected: {}, plain: 1 } });
  });

  test('0 degrees are real where the chip is no Super-IO', () => {
    expect(readText(sensors, chip('temp1:         +0.0°C  ', 'acpitz-virtual-0')).bodies).toHaveLength(1);
    expect(readText(sensors, chip('Core 0:        +0.0°C  ', 'coretemp-isa-0000')).bodies).toHaveLength(1);
  });

  test.each([
    '(high =  +0.0°C, hyst =  +0.0°C)  ALARM',
    '(high = +127.0°C, hyst = +127.0°C)  ALARM',
    '(low  =  +0.0°C, high = +255.0°C)  ALARM (LOW)',
    '(high = -128.0°C)  ALARM (HIGH)',
    '(crit =  +0.0°C)  ALARM (CRIT)',
  ])('an alarm of a limit that is none is none: %s', (limits) => {
    expect(readText(sensors, chip(`SYSTIN:       +34.0°C  ${limits}`)).bodies).toEqual([
      temperature('nct6775-isa-0290/SYSTIN', 34),
    ]);
  });
});

describe('time', () => {
  test('a line with the time is before each print-out', () => {
    const printOut = raw('360-text-C.stdout');
    const reading = readText(sensors, `2026-11-23T04:40:00Z\n${printOut}2026-11-23 04:41:00\n${printOut}`);
    expect(timesOf(reading)).toEqual(['2026-11-23T04:40:00.000Z', '2026-11-23T04:41:00.000Z']);
    expect(reading.events.map(({ stamp }) => stamp?.clock)).toEqual(['utc', 'local']);
    expect(reading.tally).toMatchObject({ records: 4, plain: 2, rejected: {} });
  });

  test('without one there is none', () => {
    expect(timesOf(readTestFile(sensors, 'sensors/360-text-C.stdout'))).toEqual([null]);
  });

  test.each(['360-text', '360-u', '362-j', '360-j'])('the collector takes %s in as text', (name) => {
    const sensorsText = Buffer.from(raw(`${name}.stdout`), 'latin1').toString('utf8');
    const { bodies, tally } = readText(sensors, `${JSON.stringify({ at: '2026-11-23T04:40:00.000Z', sensors: sensorsText })}\n`);
    expect(tally.rejected).toEqual({});
    expect(bodies).toEqual(MACHINE);
  });

  test.each(['362-j', '362-J'])('the collector takes %s in as an object', (name) => {
    const line = `{"at":"2026-11-23T04:40:00.000Z","sensors":${raw(`${name}.stdout`).trim()}}\n`;
    const { bodies, events, tally } = readLatin1(sensors, line + line);
    expect(tally).toMatchObject({ records: 2, rejected: {} });
    expect(bodies).toEqual([...MACHINE, ...MACHINE]);
    expect(events[0]?.stamp).toEqual({ ms: Date.parse('2026-11-23T04:40:00Z'), clock: 'utc', missing: 'nothing' });
  });

  test.each([
    ['{"at":"2026-11-23T04:40:00.000Z","sensors":{"a', 'bad-json'],
    ['{"at":"2026-11-23T04:40:00.000Z","sensors":"a', 'bad-json'],
    ['{"at":"2026-11-23T04:40:00.000Z","temperatures":{}}', 'bad-shape'],
    ['{"at":"yesterday","sensors":{}}', 'bad-time'],
    ['{"at":"2026-11-31T04:40:00.000Z","sensors":{}}', 'bad-time'],
  ])('%s is rejected: %s', (line, reason) => {
    expect(readText(sensors, `${line}\n`).tally.rejected).toEqual({ [reason]: 1 });
  });
});

test('text of another program is rejected, line by line', () => {
  expect(readText(sensors, 'hello\nworld\n').tally.rejected).toEqual({ 'no-header': 2 });
});
