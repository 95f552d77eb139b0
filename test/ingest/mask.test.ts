import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMasker, outsideSecrets, SECRET_BYTES } from '../../src/ingest/mask.ts';
import { secretPatterns } from '../../src/ingest/secrets.ts';
import { parsers } from '../../src/parsers/index.ts';
import { readLatin1 } from '../parsers/read-file.ts';

const mask = createMasker();

function masked(text: string): string {
  return Buffer.from(mask(Buffer.from(text))).toString();
}

describe.each(secretPatterns.map((pattern) => [pattern.name, pattern] as const))('%s', (name, pattern) => {
  test.each(pattern.samples.map(({ after }) => after))('stays as it is: %s', (after) => {
    expect(masked(after)).toBe(after);
  });

  test.each(pattern.samples.map(({ before, after }) => [before, after] as const))('%s', (before, after) => {
    expect(masked(before)).toBe(after);
  });

  test.each(pattern.samples.map(({ before, after }) => [before, after] as const))(
    'in the midst of a log: %s',
    (before, after) => {
      const head = '2026-08-10 14:00:00,131 DEBUG [cloud.agent.Agent] (AgentRequest-Handler-4:[]) (logid:9a0be4f7) Request: ';
      const begin = name === 'property' ? '' : head;
      expect(masked(`${head}\n${begin}${before}\n${head}`)).toBe(`${head}\n${begin}${after}\n${head}`);
    },
  );
});

const RECORDINGS = join(import.meta.dirname, '../../recordings');

test('of every recorded file the same events are read, masked or not', () => {
  const files = readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' })
    .map((path) => join(RECORDINGS, path))
    .filter((path) => statSync(path).isFile());
  const read = files.flatMap((path) => {
    const parser = parsers.find(({ paths }) => paths.test(path));
    return parser === undefined ? [] : [{ path, parser }];
  });
  expect(read.length).toBeGreaterThan(300);
  for (const { path, parser } of read) {
    const bytes = readFileSync(path);
    const after = mask(bytes);
    expect(after.length).toBe(bytes.length);
    // none of them holds a secret
    if (Buffer.compare(bytes, after) === 0) continue;
    const before = readLatin1(parser, bytes.toString('latin1'));
    expect(readLatin1(parser, Buffer.from(after).toString('latin1')).bodies, path).toEqual(before.bodies);
  }
}, 60_000);

test('no record that a parser knows is changed', () => {
  const records = parsers.flatMap(({ rules }) => rules.flatMap(({ samples }) => samples.map(({ record }) => record)));
  expect(records.length).toBeGreaterThan(200);
  for (const record of records) expect(masked(record)).toBe(record);
});

test.each([
  'PATH=/usr/bin PWD=/root OLDPWD=/var HOME=/',
  '"sgx-tokenkey":{"type":"bool"},"tokens":"3","secretUuid":"2ec115d7-3a88-3ceb-bc12-0ac909a6fd87"',
  'Created libvirt secret 2ec115d7-3a88-3ceb-bc12-0ac909a6fd87 for disk /dev/x',
  'Detected virt-v2v password option: -ip',
  'Failed to find passphrase for keystore: cloud.jks',
  'disk vol-1 has no passphrase or encryption',
  'java.security.UnrecoverableKeyException: Password must not be null',
  'http://10.0.0.5:8080/client/api?command=listHosts&response=json',
  'ssh://root@kvm2.example.com:22/system',
  "<mac address='02:00:1c:2f:00:0a'/> <uuid>2ec115d7-3a88-3ceb-bc12-0ac909a6fd87</uuid>",
  'workers.key=VALUE key=5 keyboard=en-us monkey=1',
])('what only looks like a secret stays: %s', (text) => {
  expect(masked(text)).toBe(text);
});

const piece = fc.oneof(
  fc.constantFrom(...secretPatterns.flatMap(({ samples }) => samples.map(({ before }) => before))),
  fc.constantFrom('\n', '"', '\\"', '=', 'password', '"token":', '://', '@', '-----BEGIN PRIVATE KEY-----', "'", ' ', '\0'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));

test('lengths and line breaks of any text stay', () => {
  fc.assert(
    fc.property(text, (before) => {
      const bytes = Buffer.from(before);
      const copy = Buffer.from(bytes);
      const once = Buffer.from(mask(bytes));
      expect(bytes.equals(copy), 'the bytes given are left alone').toBe(true);
      expect(once.length).toBe(bytes.length);
      for (const code of [0x0a, 0x0d]) {
        expect([...once.keys()].filter((at) => once[at] === code)).toEqual([...bytes.keys()].filter((at) => bytes[at] === code));
      }
    }),
  );
});

test('a chunk without a secret is handed on as it is', () => {
  const bytes = Buffer.from(
    '2026-08-10 14:00:00,131 INFO  [cloud.agent.Agent] (a:[]) (logid:) Waiting for migration, no password\n',
  );
  expect(mask(bytes)).toBe(bytes);
});

test('a secret is masked wherever it stands in a large chunk', () => {
  const line = '{"vncPassword":"Xk3_9pQ"} and more\n';
  const large = `${'x'.repeat(99)}\n`.repeat(2600);
  for (let at = 0; at <= large.length; at += 9973) {
    const whole = `${large.slice(0, at)}\n${line}${large.slice(at)}`;
    expect(masked(whole) === whole.replace('Xk3_9pQ', '*******'), `at ${at}`).toBe(true);
  }
});

test('a secret of many bytes a character becomes as many stars as it has bytes', () => {
  expect(masked('"password":"pä€"')).toBe('"password":"******"');
});

test('a secret that the end of a chunk cuts is masked to the end', () => {
  expect(masked('{"vncPassword":"Xk3')).toBe('{"vncPassword":"***');
});

test('no text makes masking slow', () => {
  const heads = secretPatterns.flatMap(({ samples }) => samples.map(({ before }) => before));
  for (const head of [...heads, '"password', 'password', '://a', '\\', '<password ', '-----BEGIN PRIVATE KEY-----\n']) {
    for (const filler of [head, head.slice(0, 12), ' ', 'a', '\\', '"', 'a=', 'A\n', '-password']) {
      const hostile = Buffer.from(head + filler.repeat(Math.ceil(65_536 / filler.length)));
      const began = performance.now();
      mask(hostile);
      expect(performance.now() - began, JSON.stringify([head, filler])).toBeLessThan(500);
    }
  }
}, 60_000);

describe('a line that is cut', () => {
  const filler = 'x'.repeat(50);
  const filling = 'x'.repeat(3 * SECRET_BYTES);
  const inOneLine = secretPatterns.flatMap(({ name, samples }) =>
    samples.filter(({ before }) => !before.includes('\n')).map(({ before }) => [name, before] as const),
  );

  test.each(inOneLine)('hides as much as if it were whole, wherever it is cut: %s %s', (_name, before) => {
    const whole = masked(`${filler} ${before} ${filler}`);
    const bytes = Buffer.from(`${filler} ${before} ${filler}`);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const end = outsideSecrets(bytes, cut);
      expect(end).toBeGreaterThanOrEqual(cut);
      const parts = Buffer.concat([bytes.subarray(0, end), bytes.subarray(end)].map((part) => mask(part))).toString();
      const shown = Array.from(whole).filter((character, i) => character === '*' && parts[i] !== '*');
      expect([cut, end, shown.length]).toEqual([cut, end, 0]);
    }
  });

  test('is cut where it should be if a secret does not end', () => {
    const bytes = Buffer.from(`${filling}"password":"${'y'.repeat(3 * SECRET_BYTES)}`);
    expect(outsideSecrets(bytes, filling.length + 20)).toBe(filling.length + 20);
  });

  test('is never cut behind its end', () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 300 }), (line, cut) => {
        const bytes = Buffer.from(line);
        const at = Math.min(cut, bytes.length);
        expect(outsideSecrets(bytes, at)).toBeGreaterThanOrEqual(at);
        expect(outsideSecrets(bytes, at)).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
