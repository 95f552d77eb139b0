import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { checkedConfig, loadConfig, renderConfig } from '../src/config.ts';
import { machineZone } from '../src/config/machine-zone.ts';
import { pathText } from '../src/config/problems.ts';
import { configSchema } from '../src/config/schema.ts';
import { masked, secret } from '../src/config/secret.ts';
import { sizeBytes } from '../src/config/size.ts';
import { AppError } from '../src/lib/errors.ts';
import { nearest } from '../src/lib/nearest.ts';

/** Every problem of a text as `line:column path: what (hint)`. */
function problemsOf(text: string, env: NodeJS.ProcessEnv = {}): readonly string[] {
  return checkedConfig(text, configSchema, env).problems.map(
    ({ path, place, what, hint }) =>
      `${place?.line ?? '-'}:${place?.column ?? '-'} ${pathText(path)}: ${what}${hint === null ? '' : ` (${hint})`}`,
  );
}

const folders: string[] = [];

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'precopy-config-'));
  folders.push(folder);
  const file = join(folder, 'precopy.yaml');
  writeFileSync(file, text);
  return file;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('what is wrong is said with its place, its path and what to do', () => {
  test.each([
    ['a misspelt key', 'clutser: a\n', '1:1 clutser: no such key (did you mean cluster?)'],
    ['a key like no other', 'api:\n  zzz: a\n', '2:3 api.zzz: no such key (keys here: listen)'],
    ['a key within null', 'api: null\n', '1:6 api: null; expected keys and values'],
    [
      'an unknown detector',
      'detectors: { not-convergin: {} }\n',
      '1:14 detectors.not-convergin: no such key (did you mean not-converging?)',
    ],
    [
      'an unknown limit',
      'detectors:\n  not-converging: { minPass: 3 }\n',
      '2:21 detectors.not-converging.minPass: no such key (did you mean minPasses?)',
    ],
    [
      'a limit out of its range',
      'detectors:\n  not-converging: { minPasses: 1 }\n',
      '2:32 detectors.not-converging.minPasses: 1; expected at least 2',
    ],
    [
      'an unknown zone',
      'timezone: Mars/Olympus\n',
      '1:11 timezone: "Mars/Olympus"; expected a time zone like Europe/Berlin, or an offset like UTC+5:30',
    ],
    [
      'a port out of range',
      'api: { listen: "127.0.0.1:65536" }\n',
      '1:16 api.listen: "127.0.0.1:65536"; expected a port from 0 to 65535',
    ],
    [
      'a port without an address',
      'api: { listen: 8470 }\n',
      '1:16 api.listen: 8470; expected an address and a port: 127.0.0.1:8470 or [::1]:8470',
    ],
    [
      'a size that is none',
      'stream: { retention: { maxBytes: 10XB } }\n',
      '1:34 stream.retention.maxBytes: "10XB"; expected bytes, or a number and a unit: 500MB (10^6), 10GB (10^9) or 16GiB (2^30)',
    ],
    [
      'a shipper that nobody knows',
      'stream: { kafka: { shippers: [{ topic: a, format: fluentd }] } }\n',
      '1:51 stream.kafka.shippers[0].format: "fluentd"; expected filebeat, fluent-bit, vector, otlp-json, rsyslog, syslog-ng or plain',
    ],
    [
      'a topic twice',
      'stream: { kafka: { shippers: [{ topic: a, format: plain }, { topic: a, format: vector }] } }\n',
      '1:30 stream.kafka.shippers: a list; expected each topic once',
    ],
    [
      'a word of another list',
      'log: { level: warning }\n',
      '1:15 log.level: "warning"; expected debug, info, warn or error (did you mean warn?)',
    ],
    ['a name that YAML takes for a number', 'cluster: 12\n', "1:10 cluster: 12; expected a text (put it in quotes: '12')"],
    [
      'a path that is missing',
      'collect: { files: [{ source: journal }] }\n',
      '1:20 collect.files[0].path: is missing; expected a text',
    ],
    [
      'something within a value of several kinds',
      'collect: { heartbeat: { pools: [mnt] } }\n',
      '1:33 collect.heartbeat.pools[0]: "mnt"; expected a text that begins with /',
    ],
    [
      'a value of none of several kinds',
      'collect: { heartbeat: { pools: all } }\n',
      '1:32 collect.heartbeat.pools: "all"; expected auto, or a list',
    ],
    ['a key that is there twice', 'log: {}\napi: {}\nlog: {}\n', '3:1 log: this key is there twice (leave one of the two)'],
    [
      'an alias, which may hold itself',
      'api: &a\n  listen: *a\n',
      '2:11 api.listen: an alias (*…), which a configuration does not take (write the value itself; put a text that begins with * in quotes)',
    ],
    ['a tab', 'api:\n\tlisten: 127.0.0.1:1\n', '2:1 : a tab indents this line (indent with blanks)'],
    [
      'one path twice',
      'collect:\n  files:\n  - { path: /a.log, source: journal }\n  - { path: /a.log, source: sensors }\n',
      '4:13 collect.files[1].path: /a.log is also followed by collect.files[0] (/a.log) (leave one of the two)',
    ],
    [
      'a path that a pattern has',
      'collect:\n  files:\n  - { path: /x/*.log, source: journal }\n  - { path: /x/a.log, source: journal }\n',
      '4:13 collect.files[1].path: /x/a.log is also followed by collect.files[0] (/x/*.log) (leave one of the two)',
    ],
    [
      'a variable that is not set',
      'cluster: a-${NO}\n',
      '1:10 cluster: the environment has no variable NO (set NO, or write $${NO} for the text itself)',
    ],
    ['a list at the top', '- a\n', '1:1 : a list; expected keys and values'],
  ])('%s', (_what, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test('broken YAML says its line and column', () => {
    expect(problemsOf('api:\n  listen: "127\nlog: {}\n')[0]).toMatch(/^\d+:\d+ : not YAML: /);
    expect(problemsOf('cluster: a\nb: [c\n')[0]).toMatch(/^[23]:\d+ : not YAML: /);
  });

  test('no text makes it throw', () => {
    const token = fc.constantFrom(
      ...'cluster|api|listen|: |:|- |[|]|{|}|*a|&a |"|#|\n|\n  |\t|? |!!x |null|1|${A}|$${|---\n|...\n|%|\0|__proto__|<<: *a'.split(
        '|',
      ),
    );
    const known = /^(?:\d+:\d+|-:-) /;
    fc.assert(
      fc.property(fc.array(token, { maxLength: 14 }), (tokens) => {
        for (const problem of problemsOf(tokens.join(''))) expect(problem).toMatch(known);
      }),
    );
  });

  test('all at once, in the order of the file', () => {
    expect(problemsOf('log: { level: x }\ncluster: ${NO}\napi: { lisen: 1 }\n').map((text) => text.split(' ')[1])).toEqual([
      'log.level:',
      'cluster:',
      'api.lisen:',
    ]);
  });

  test('an error of code config that names the file', () => {
    const file = fileOf('clutser: a\napi: { listen: 1 }\n');
    expect(() => loadConfig(file, {})).toThrow(AppError);
    expect(() => loadConfig(file, {})).toThrow(`${file} has 2 problems:\n  1:1 clutser: no such key (did you mean cluster?)\n`);
  });

  test('a file that is not there', () => {
    expect(() => loadConfig('/nowhere.yaml', {})).toThrow('/nowhere.yaml: no such file');
  });
});

describe('variables', () => {
  test('stand in string values, and bring neither keys nor quotes', () => {
    const env = { NAME: "a: b # c\n'" };
    expect(checkedConfig('cluster: x-${NAME}-${NAME}\n', configSchema, env).value?.cluster).toBe(`x-${env.NAME}-${env.NAME}`);
  });

  test('are not looked for in keys', () => {
    expect(problemsOf('${NAME}: a\n', { NAME: 'cluster' })).toEqual([expect.stringContaining('${NAME}: no such key')]);
  });

  test('are written literally with two dollars', () => {
    expect(checkedConfig('cluster: $${NAME}\n', configSchema, {}).value?.cluster).toBe('${NAME}');
  });
});

describe('defaults', () => {
  test('an empty file is all defaults', () => {
    expect(checkedConfig('', configSchema, {}).value).toEqual(configSchema.parse({}));
    expect(checkedConfig('# nothing\n', configSchema, {}).value).toEqual(configSchema.parse({}));
  });

  test('what depends on the machine is filled in', () => {
    const { host, timezone, data } = loadConfig(fileOf(''), { HOME: '/home/a' });
    expect(host).not.toBe('');
    expect(timezone).not.toBe('');
    expect(['/var/lib/precopy', '/home/a/.local/share/precopy']).toContain(data);
  });

  test('a configuration printed is a configuration that says the same', () => {
    const config = loadConfig(fileOf('cluster: c\ndata: /d\ncollect: { sensors: null }\n'), {});
    expect(loadConfig(fileOf(renderConfig(config)), {})).toEqual(config);
  });
});

describe('the zone of the machine', () => {
  /** A machine whose `/etc/localtime` is a link to this. */
  function linkTo(target: string): string {
    const link = join(dirname(fileOf('')), 'localtime');
    symlinkSync(target, link);
    return link;
  }

  test('is what JavaScript says, where it says any', () => {
    expect(machineZone({ ofProcess: 'Europe/Berlin', link: linkTo('/usr/share/zoneinfo/Asia/Tokyo') })).toBe('Europe/Berlin');
  });

  test.each([[undefined], ['Etc/Unknown']])(
    'is that of /etc/localtime where it says %s, as with TZ=:/etc/localtime',
    (ofProcess) => {
      expect(machineZone({ ofProcess, link: linkTo('../usr/share/zoneinfo/Asia/Tokyo') })).toBe('Asia/Tokyo');
      expect(machineZone({ ofProcess, link: linkTo('/usr/share/zoneinfo/posix/America/Argentina/Salta') })).toBe(
        'America/Argentina/Salta',
      );
    },
  );

  test('is never guessed', () => {
    expect(() => machineZone({ ofProcess: undefined, link: '/nowhere' })).toThrow(AppError);
    expect(() => machineZone({ ofProcess: undefined, link: fileOf('') })).toThrow('nothing says in which time zone');
  });
});

describe('secrets', () => {
  const schema = z.strictObject({
    notifier: z.strictObject({ url: z.string(), token: secret }).nullable(),
    keys: z.array(secret).default([]),
    spare: z.string().nullable().default(null).meta({ secret: true }),
  });

  test('are shown as ***, wherever they stand', () => {
    const value = schema.parse({ notifier: { url: 'http://a', token: 'hidden' }, keys: ['one', 'two'], spare: 'x' });
    expect(masked(schema, value)).toEqual({ notifier: { url: 'http://a', token: '***' }, keys: ['***', '***'], spare: '***' });
  });

  test('that are not set are seen to be not set', () => {
    expect(masked(schema, schema.parse({ notifier: null }))).toEqual({ notifier: null, keys: [], spare: null });
  });

  test('are not quoted where they are wrong', () => {
    const { problems } = checkedConfig('notifier: { url: 1, token: 12345 }\nkeys: [67890]\n', schema, {});
    expect(problems).toHaveLength(3);
    expect(JSON.stringify(problems)).not.toMatch(/12345|67890/);
  });
});

describe('a ClickHouse server', () => {
  test('shows neither password nor token', () => {
    const file = fileOf(`
store:
  clickhouse: { url: 'https://ch:8443', password: hidden1, queryUser: { password: hidden2 } }
`);
    const shown = renderConfig(loadConfig(file, {}));
    expect(shown).toContain('url: https://ch:8443');
    expect(shown).not.toContain('hidden');
    expect(renderConfig(loadConfig(fileOf('store: { clickhouse: { accessToken: hidden3 } }'), {}))).not.toContain('hidden');
  });

  test('takes a password or a token, and neither within its address', () => {
    expect(problemsOf('store: { clickhouse: { password: aa, accessToken: bb } }\n')).toEqual([
      '1:51 store.clickhouse.accessToken: this secret; expected either a password or a token',
    ]);
    for (const url of ['http://me:hidden@ch:8123', 'tcp://me:hidden@ch:9000']) {
      const problems = problemsOf(`store: { clickhouse: { url: '${url}' } }\n`);
      expect(problems).not.toEqual([]);
      expect(problems.join()).not.toContain('hidden');
    }
  });

  test.each([
    ["url: 'ch:8123'", 'url: "ch:8123"; expected an address like'],
    ["database: 'a b'", 'expected a name of letters'],
    ['ca: ca.pem', 'expected a text that begins with /'],
    ['timeout: 60', 'timeout: 60; expected'],
    ['compression: lz4', 'expected none, gzip or zstd'],
  ])('%s is wrong', (yaml, says) => {
    expect(problemsOf(`store: { clickhouse: { ${yaml} } }\n`).join()).toContain(says);
  });
});

describe('notifiers', () => {
  test('show no secret, each by its own kind', () => {
    const file = fileOf(`
alerts:
  notifiers:
    - { name: hook, type: webhook, url: 'http://hook.example.org/x', headers: { Authorization: 'Bearer hidden1' }, secret: hidden2 }
    - { name: chat, type: slack, webhookUrl: 'https://hooks.slack.example.org/services/hidden3' }
    - { name: duty, type: pagerduty, routingKey: hidden4hidden4hidden4hidden4abcd }
    - { name: post, type: email, host: mail.example.org, from: a@example.org, to: [b@example.org], user: a, password: hidden5 }
`);
    const shown = renderConfig(loadConfig(file, {}));
    expect(shown).toContain('url: http://hook.example.org/x');
    expect(shown).not.toContain('hidden');
  });

  test.each([
    [
      'alerts: { notifiers: [{ name: a, type: slak }] }',
      '1:40 alerts.notifiers[0].type: "slak"; expected alertmanager, cloudstack, email',
    ],
    ['alerts: { notifiers: [{ name: a, type: stdout }, { name: a, type: stdout }] }', 'expected each name once'],
    ['alerts: { notifiers: [{ name: a, type: stdout, colour: true }] }', 'no such key (did you mean color?)'],
    ['alerts: { maintenanceFrom: a, notifiers: [{ name: a, type: stdout }] }', 'no notifier of type cloudstack has the name a'],
    ['report: { mail: [a] }', '1:18 report.mail[0]: no notifier of type email has the name a'],
    ['report: { schedule: Monday }', 'expected five fields as cron has them'],
    [
      "alerts: { maintenance: [{ host: kvm-a, from: '2026-11-24T22:00', until: '2026-11-24T21:00' }] }",
      'expected a time after from',
    ],
  ])('%s is wrong', (yaml, says) => {
    expect(problemsOf(`${yaml}\n`).join('\n')).toContain(says);
  });
});

describe('a proxy', () => {
  const ENV = { HTTPS_PROXY: 'me:hidden@env:1', http_proxy: 'http://env:2', HTTP_PROXY: 'http://env:3', no_proxy: '.env' };

  test('is that of the environment where the file names none', () => {
    expect(loadConfig(fileOf(''), ENV).alerts.proxy).toEqual({
      https: 'me:hidden@env:1',
      http: 'http://env:2',
      no: '.env',
    });
    expect(loadConfig(fileOf(''), {}).alerts.proxy).toEqual({ https: null, http: null, no: null });
  });

  test('of the file comes first, key by key', () => {
    const file = fileOf("alerts: { proxy: { https: 'http://file:1', no: '*' } }\n");
    expect(loadConfig(file, ENV).alerts.proxy).toEqual({ https: 'http://file:1', http: 'http://env:2', no: '*' });
  });

  test.each([
    ['http://me:hidden@proxy:3128', 'http://***@proxy:3128'],
    ['http://proxy:3128', 'http://proxy:3128'],
    ['https://me:hid@hidden@proxy', 'https://***@proxy'],
    ['me:hidden@proxy:3128', '***@proxy:3128'],
    ['http://me:hidden/hidden@proxy:3128', 'http://***@proxy:3128'],
  ])('%s is shown as %s', (address, shown) => {
    const rendered = renderConfig(loadConfig(fileOf(''), { HTTPS_PROXY: address }));
    expect(parse(rendered)).toMatchObject({ alerts: { proxy: { https: shown } } });
    expect(rendered).not.toContain('hid');
  });

  test('of the file that is none is told, and not quoted', () => {
    const problems = problemsOf("alerts: { proxy: { https: 'http://me:hid/den@proxy' } }\n").join();
    expect(problems).toContain('alerts.proxy.https');
    expect(problems).toContain('expected an address like http://proxy.example.org:3128');
    expect(problems).not.toMatch(/hid|den/);
  });
});

test('sizes are bytes', () => {
  expect(['500MB', '16GiB', '1.5 KiB', '7B', 42].map(sizeBytes)).toEqual([5e8, 2 ** 34, 1536, 7, 42]);
});

test('the nearest name is one that a slip of the finger makes', () => {
  expect(nearest('clutser', ['host', 'cluster'])).toBe('cluster');
  expect(nearest('Level', ['level'])).toBe('level');
  expect(nearest('zebra', ['host', 'cluster'])).toBeNull();
  expect(nearest('x', [])).toBeNull();
});
