import { describe, expect, test } from 'vitest';
import { explain } from '../../src/commands/explain.ts';
import { detectors } from '../../src/detectors/index.ts';
import { parsers } from '../../src/parsers/index.ts';
import { testTerminal } from './terminal.ts';

const HEAD =
  '2024-09-03 02:11:40,936 ERROR [resource.wrapper.LibvirtMigrateCommandWrapper] (agentRequest-Handler-3:null) (logid:5f2c91ab) ';
const BROKEN = `${HEAD}Can't migrate domain [i-5-77-VM] due to: [org.libvirt.LibvirtException: operation failed: x].`;

/** Exit status and text. */
async function explained(args: readonly string[], input = ''): Promise<readonly [number, string]> {
  const terminal = testTerminal({ input });
  const status = await explain(args, terminal);
  return [status, terminal.printed()];
}

async function recordsOf(args: readonly string[], input = ''): Promise<readonly Record<string, unknown>[]> {
  const [, text] = await explained([...args, '--json'], input);
  const { records } = JSON.parse(text) as { readonly records: readonly Record<string, unknown>[] };
  return records;
}

describe('a line', () => {
  test('that means something: its rule, the releases, the fields', async () => {
    const [status, text] = await explained([BROKEN]);
    expect(status).toBe(0);
    expect(text).toMatch(/^rule {6}error-4\.18 \(releases: 4\.18\.1 on\)$/m);
    expect(text).toMatch(/^time {6}2024-09-03 02:11:40\.936, local time/m);
    expect(text).toMatch(/^event {5}migrate-error\n +vm +i-5-77-VM\n +text +operation failed: x$/m);
  });

  test('without quotes around it is the same', async () => {
    expect(await explained(BROKEN.split(' '))).toEqual(await explained([BROKEN]));
  });

  test('that no rule matches: the rules that begin most alike, the nearest first', async () => {
    const [record] = await recordsOf([`${HEAD}Migration of the moon`]);
    expect(record).toMatchObject({ outcome: 'plain', rule: null });
    expect(record?.['nearest']).toEqual([
      expect.objectContaining({ rule: 'failed-4.22.1', shared: 'Migration of ' }),
      expect.objectContaining({ shared: 'Migration ' }),
      expect.objectContaining({ shared: 'Migration ' }),
    ]);
  });

  test('that begins as no record: what records look like', async () => {
    const [status, text] = await explained(['hello', 'world']);
    expect(status).toBe(1);
    expect(text).toContain('it begins as no record of any program known');
    for (const { source } of parsers) expect(text).toContain(`\n          ${source} `);
  });

  test('that is not of the program it is said to be of', async () => {
    const [record] = await recordsOf([BROKEN, '--source', 'tcpdump']);
    expect(record).toMatchObject({ outcome: 'no-header', tried: ['tcpdump'] });
  });

  test('that claims to be a message and is broken: the reason', async () => {
    const [status, text] = await explained(['{"x":1}', '--source', 'heartbeat']);
    expect(status).toBe(1);
    expect(text).toContain('rejected: bad-shape. It lacks fields that it has to have.');
  });

  test('with a sentence that guides quote has no rule and is said to be one', async () => {
    const [record] = await recordsOf([`${HEAD}i-5-77-VM: Successfully migrated.`]);
    expect(record).toMatchObject({ outcome: 'events', rule: null, events: [{ kind: 'quoted-message', meaning: 'completed' }] });
  });

  test('takes its VM from the option where its file would tell it', async () => {
    const line = '2026-11-23 04:55:01.100+0000: initiating migration';
    expect(await recordsOf([line, '--vm', 'i-7-7-VM'])).toMatchObject([{ source: 'libvirt-qemu', events: [{ vm: 'i-7-7-VM' }] }]);
    expect(await recordsOf([line])).toMatchObject([{ source: 'libvirt-qemu', events: [{ vm: 'the VM of the file' }] }]);
  });
});

describe('lines from standard input', () => {
  test('are each explained, and what continues a record stays with it', async () => {
    const records = await recordsOf(['-'], `${BROKEN}\n\tat java.base/x\n${HEAD}nothing special\r\n`);
    expect(records).toMatchObject([{ record: `${BROKEN}\n\tat java.base/x`, outcome: 'events' }, { outcome: 'plain' }]);
  });

  test('are of the program that the first of them looks like', async () => {
    const records = await recordsOf(['-'], `${BROKEN}\n2024-09-03T02:11:40.900Z qemu-kvm: load of migration failed\n`);
    expect(records).toHaveLength(1);
    expect(records).toMatchObject([{ source: 'cloudstack-agent', outcome: 'events' }]);
  });

  test('may begin in the middle of a record', async () => {
    const records = await recordsOf(['-'], `\tat java.base/x\n\tat java.base/y\n${BROKEN}\n`);
    expect(records).toMatchObject([{ outcome: 'no-header' }, { source: 'cloudstack-agent', outcome: 'events' }]);
  });

  test('that are none', async () => {
    await expect(explained(['-'])).rejects.toThrow('standard input is empty');
  });
});

test.each(parsers.flatMap(({ source, rules }) => rules.map((rule) => [source, rule.name, rule] as const)))(
  'a sample of %s %s is explained by its own rule',
  async (source, name, rule) => {
    const [sample] = rule.samples;
    if (sample === undefined) throw new Error(`${name} has no sample`);
    const vm = sample.vm === undefined ? [] : ['--vm', sample.vm];
    const [record] = await recordsOf(['-', '--source', source, ...vm], sample.record);
    expect(record?.['rule']).toEqual({ name, versions: rule.versions });
    expect(record?.['events'] ?? []).toEqual(JSON.parse(JSON.stringify(sample.events)));
  },
);

test('a sample that means something is known as its own program’s without being told', async () => {
  const samples = parsers.flatMap(({ source, rules }) =>
    rules.flatMap((rule) =>
      rule.samples.filter(({ events }) => events.length > 0).map((sample) => ({ source, name: rule.name, sample })),
    ),
  );
  const wrong = await Promise.all(
    samples.map(async ({ source, name, sample }) => {
      const records = await recordsOf(['-'], sample.record);
      return records.some((record) => record['source'] === source && record['outcome'] === 'events') ? [] : [`${source} ${name}`];
    }),
  );
  expect(wrong.flat()).toEqual([]);
});

describe('a finding', () => {
  test.each(detectors.map((detector) => [detector.id, detector] as const))(
    '%s: what it means, what it reports, its limits',
    async (id, detector) => {
      const [status, text] = await explained([id]);
      expect(status).toBe(0);
      for (const heading of ['MEANING', 'IMPACT', 'DIAGNOSIS', 'MITIGATION', 'REPORTS', 'DOES NOT REPORT', 'LIMITS'])
        expect(text).toMatch(new RegExp(`^${heading}$`, 'm'));
      for (const limit of Object.keys(detector.limits.shape)) expect(text).toMatch(new RegExp(`^  - ${limit} = `, 'm'));
      // commands stay whole, to be pasted
      const wide = text.split('\n').filter((line) => line.length > 80 && !line.startsWith('    '));
      expect(wide).toEqual([]);
      expect(text).not.toContain('```');
    },
  );

  test('whose name is misspelt', async () => {
    await expect(explained(['cpu-incompatibel'])).rejects.toMatchObject({
      code: 'usage',
      hint: 'did you mean cpu-incompatible?',
    });
  });
});

test('nothing is wider than 80 columns where nobody says how wide it is', async () => {
  const [, text] = await explained(['-'], `${BROKEN} ${'long '.repeat(200)}\n${HEAD}${'x'.repeat(3000)}\n`);
  expect(text.split('\n').filter((line) => Array.from(line).length > 80)).toEqual([]);
});

test('a terminal shows what is in a line and does not obey it', async () => {
  const terminal = testTerminal({ width: 80, color: true });
  await explain([`${HEAD}Can't migrate domain [i-5-77-VM] due to: [a\u001b]0;evil\u0007b].`], terminal);
  // oxlint-disable-next-line no-control-regex
  expect(terminal.printed().replace(/\u001b\[\d+m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(terminal.printed()).toContain('\u001b[');
});

test.each([
  ['nothing', [], 'nothing to explain'],
  ['an unknown program', ['x', '--source', 'syslogd'], 'no such kind'],
  ['an unknown option', ['--colour'], "Unknown option '--colour'"],
])('%s is bad usage', async (_what, args, message) => {
  await expect(explained(args)).rejects.toThrow(message);
});
