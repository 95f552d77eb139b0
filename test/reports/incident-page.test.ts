import { describe, expect, test } from 'vitest';
import { whereNow } from '../../src/detectors/words.ts';
import { at, begins, booted, completes, copies, fails } from '../../src/detectors/story.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { Analysis } from '../../src/reports/analysis.ts';
import { incidentPage } from '../../src/reports/incident-page.ts';
import { LARGEST_PAGE } from '../../src/reports/incident-page/sheet-limits.ts';
import { toDocument } from '../../src/reports/json.ts';
import { terminalReport } from '../../src/reports/terminal.ts';
import { visible } from '../../src/reports/visible.ts';
import { analysedFolder, recordings } from '../recording.ts';
import { analysisOfStory, findingIn } from './analyses.ts';
import { attributeOf, parsed, textOf, type Parsed } from './html/parsed.ts';

/** All text of a page, blanks as one. */
function wordsOf({ elements }: Parsed): string {
  const [root] = elements;
  return root === undefined ? '' : plain(textOf(root));
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function textsOf({ elements }: Parsed, tag: string, style: string): readonly string[] {
  return elements.filter((element) => element.tagName === tag && attributeOf(element, 'class') === style).map(textOf);
}

/** What a finding says, less the sentence on where the VM is where that stands below it. */
function sayings(
  { migrations }: Analysis,
  { summary, migration: id }: Pick<Finding, 'summary' | 'migration'>,
): readonly string[] {
  const migration = migrations.find((other) => other.id === id);
  return [summary, ...(migration === undefined ? [] : [summary.replace(whereNow(migration), '').replace(/ {2,}/g, ' ')])].map(
    plain,
  );
}

/** Elements by the ids that links of the page name. */
function brokenLinks({ elements }: Parsed): readonly string[] {
  const ids = new Set(elements.map((element) => attributeOf(element, 'id')));
  return elements.flatMap((element) => attributeOf(element, 'href') ?? []).filter((href) => !ids.has(href.replace(/^#/, '')));
}

function expectAlone(page: string): void {
  const { elements } = parsed(page);
  expect(page).not.toMatch(/<script|<link|<img|<iframe|<object|url\(|@import/i);
  const attributes = elements.flatMap(({ attrs }) => attrs);
  expect(attributes.filter(({ name }) => /^on|^src|^style$/.test(name))).toEqual([]);
  expect(attributes.filter(({ name, value }) => name.endsWith('href') && !value.startsWith('#'))).toEqual([]);
  expect(page.length).toBeLessThanOrEqual(LARGEST_PAGE);
}

/** Detectors behind a severity, in their order: heads of problems, not of a list of contents. */
function heads(text: string): readonly string[] {
  return [
    ...text.matchAll(
      /\b(?:CRITICAL|WARNING) +(?<id>[a-z]+-[a-z-]+) +(?=i-\d\S* +kvm-|\d\d:|since|kvm-\w+ (?:→|since|\d\d:)|2026)/gi,
    ),
  ].map(({ groups }) => groups?.['id'] ?? '');
}

describe.each(recordings().map(({ folder }) => folder))('%s', (folder) => {
  test('the page says what the document says: findings, commands to the letter, migrations', async () => {
    const analysis = await analysedFolder(folder);
    const { findings, migrations } = toDocument(analysis);
    const page = parsed(incidentPage(analysis));
    const words = wordsOf(page);
    const commands = new Set(textsOf(page, 'pre', 'command'));
    for (const finding of findings) {
      expect(
        sayings(analysis, finding).some((saying) => words.includes(saying)),
        finding.summary,
      ).toBe(true);
      for (const { what, command } of finding.remedies) {
        expect(words).toContain(plain(what));
        expect(command === null || commands.has(command), command ?? '').toBe(true);
      }
      for (const { path, line } of finding.evidence) expect(words).toContain(`${path.split('/').at(-1) ?? ''}:${line}`);
    }
    const rows = page.elements
      .filter(({ tagName }) => tagName === 'tr')
      .map(({ childNodes }) =>
        childNodes
          .map(textOf)
          .map(plain)
          .filter((cell) => cell !== '')
          .join(' '),
      );
    for (const { vm, source } of migrations) expect(rows.some((row) => row.startsWith(`${vm} ${source ?? ''}`))).toBe(true);
  });

  test('the page names the problems in the order of the terminal', async () => {
    const analysis = await analysedFolder(folder);
    const terminal = terminalReport(analysis, { width: 400, color: false, allEvidence: false });
    expect(heads(wordsOf(parsed(incidentPage(analysis))))).toEqual(heads(terminal));
  });

  test('every phase that is drawn has its name', async () => {
    const text = incidentPage(await analysedFolder(folder));
    expect(text.match(/<text class="on-phase"/g)?.length).toBe(text.match(/<rect class="phase/g)?.length);
  });

  test('the page stands alone, and its links lead somewhere', async () => {
    const text = incidentPage(await analysedFolder(folder));
    expectAlone(text);
    const page = parsed(text);
    expect(brokenLinks(page)).toEqual([]);
    const ids = page.elements.flatMap((element) => attributeOf(element, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(text).not.toMatch(/NaN|undefined|\[object/);
  });
});

const STORY = [
  ...booted(),
  ...begins(),
  ...copies(20, { rate: 63e6, workingSet: 268e6, bandwidth: 25e6 }),
  ...fails(25, 'operation failed: Broken pipe'),
];
const failed = analysisOfStory(STORY);
const completed = analysisOfStory([...booted(), ...begins(), ...completes(10, 40)]);

describe('the order', () => {
  test('is the verdict, where the VM is, what says so, what to do, the course, the table', () => {
    const evidence = (failed.migrations[0]?.events ?? []).slice(-5);
    const findings = [findingIn(failed, { evidence, remedies: [{ what: 'look', command: 'virsh list' }] })];
    const words = wordsOf(parsed(incidentPage({ ...failed, findings })));
    const places = [
      'It died.',
      'now kvm-a running',
      'seen',
      'virsh list',
      'Course of',
      'management',
      'memory left',
      'Migrations',
      'Not observed',
    ];
    const found = places.map((place) => words.indexOf(place));
    expect(found).not.toContain(-1);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  test('begins with the good news where there is no bad one', () => {
    const words = wordsOf(parsed(incidentPage(completed)));
    expect(words).toContain('All times are UTC. Nothing wrong was found. Migrations');
  });

  test('names the zone once, and warns where it is unknown', () => {
    const clocks = [{ host: 'kvm-a', zone: 'UTC', zoneFrom: 'assumed' as const, skewMs: null, skewAgainst: null }];
    const words = wordsOf(parsed(incidentPage({ ...completed, clocks })));
    expect(words.match(/All times are UTC/g)).toHaveLength(1);
    expect(words).toContain('WARNING: the time zone of these logs is unknown');
  });
});

describe('a mark', () => {
  test('leads to its line among the lines around it on that host', () => {
    const page = parsed(incidentPage(failed));
    const links = page.elements.filter(({ tagName, namespaceURI }) => tagName === 'a' && namespaceURI.endsWith('svg'));
    expect(links.length).toBeGreaterThan(3);
    const error = links.find((link) => textOf(link).includes('Broken pipe'));
    const id = error === undefined ? null : (attributeOf(error, 'href') ?? '').slice(1);
    const line = page.elements.find((element) => attributeOf(element, 'id') === id);
    expect(line === undefined ? '' : textOf(line)).toContain('Broken pipe');
    expect(wordsOf(page)).toContain('Lines of kvm-a around the marks');
  });

  test('of heat stands on its lane', () => {
    const hot = at(6, 'kvm-b', 'sensors', {
      kind: 'temperature',
      chip: 'coretemp-isa-0000',
      sensor: 'Package id 0',
      celsius: 101,
      highCelsius: 80,
      critCelsius: 100,
      alarm: true,
    });
    const words = wordsOf(parsed(incidentPage(analysisOfStory([...STORY, hot]))));
    expect(words).toContain('kvm-b: coretemp-isa-0000 Package id 0 101 °C');
    expect(wordsOf(parsed(incidentPage(failed)))).toContain('not observed (no temperatures)');
  });
});

describe('hostile logs', () => {
  const evil = '</title></style></svg><script>alert(1)</script><img src=x onerror="alert(1)">\'"\u202e\0\x1b[2J';

  /** An analysis in which every foreign text is this one. */
  function speaking(text: string): Analysis {
    const events = (failed.migrations[0]?.events ?? []).map((event) => ({
      ...event,
      origin: { ...event.origin, text, messageAt: 0, written: text },
    }));
    const migrations = failed.migrations.map((migration) => ({
      ...migration,
      vm: text,
      source: text,
      unobserved: [text],
      events,
    }));
    const findings = [
      findingIn(failed, { summary: text, vm: text, evidence: events, remedies: [{ what: text, command: text }] }),
      findingIn(failed, {
        severity: 'info',
        detector: 'advice',
        summary: text,
        evidence: events,
        remedies: [{ what: text, command: text }],
      }),
    ];
    const hosts = failed.hosts.map((history) => ({ ...history, host: text, events }));
    const inputs = [
      { path: text, host: text, source: null, tally: null, skipped: 'binary' as const, problem: text, modifiedAt: 0 },
    ];
    return { ...failed, migrations, findings, hosts, inputs };
  }

  test('are shown and do nothing', () => {
    const page = incidentPage(speaking(evil));
    expectAlone(page);
    expect(parsed(page).skeleton).toEqual(parsed(incidentPage(speaking('harmless'))).skeleton);
    expect(wordsOf(parsed(page))).toContain(plain(visible(evil)));
    expect(page.replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  });

  test('with a line of 100 kB make no endless page', () => {
    expectAlone(incidentPage(speaking('<'.repeat(100_000))));
  });
});

describe('very much', () => {
  const [one] = failed.migrations;
  if (one === undefined) throw new Error('the story has a migration');
  const migrations = Array.from({ length: 5000 }, (_, i) => ({
    ...one,
    id: `m${i}`,
    vm: `i-2-${i}-VM`,
    outcome: i % 2 === 0 ? ('failed' as const) : ('completed' as const),
  }));
  const findings = migrations
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ id, vm, events }, i) =>
      findingIn(failed, { id: `f${i}`, migration: id, vm, evidence: events, summary: `Number ${i} died.` }),
    );

  test('is cut to what can be read, and says what is left out', () => {
    const page = incidentPage({ ...failed, migrations, findings });
    expectAlone(page);
    const words = wordsOf(parsed(page));
    expect(words).toContain('Shown are those that did not complete or have a problem, then the slowest.');
    expect(words).toMatch(/\d+ migrations of 5000 are not on this page; precopy analyze --json has them all\./);
    expect(words).toMatch(/\d+ more had trouble; their course is not drawn here\./);
    expect(words).toMatch(/\d+ more are left out here\./);
    expect(brokenLinks(parsed(page))).toEqual([]);
  });
});
