import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tellingHtml } from '../../src/alerts/telling-html.ts';
import { tellingText } from '../../src/alerts/telling-text.ts';
import { tellingOf } from '../../src/alerts/telling.ts';
import { detectors } from '../../src/detectors/index.ts';
import { alertOf, notificationOf } from '../notify/alerts.ts';

const OPTIONS = { runbookUrl: null };
const SHEET = { width: 100, color: false };
const all = detectors.map(({ id }) => alertOf(id));

test.each(all)('of $detector every reader gets what, how bad, what to do, what ends it and where to read on', (alert) => {
  const telling = tellingOf(notificationOf([alert]), OPTIONS);
  const [saying] = telling.alerts;
  const [remedy] = alert.finding.remedies;
  const words = ['docs/detectors/', saying?.explain ?? '?', saying?.acknowledge ?? '?'];
  expect(saying?.resolves).not.toBeNull();
  expect(telling.subject).toContain(alert.finding.severity.toUpperCase());
  // columns break lines, and pages spell quotation marks out
  const flat = (text: string): string => text.replaceAll(/&#39;|&quot;|'|"/g, '').replaceAll(/\s+/g, ' ');
  for (const text of [tellingText(telling, SHEET), tellingHtml(telling)]) {
    for (const word of [...words, saying?.resolves ?? '?', remedy?.what ?? '?']) expect(flat(text)).toContain(flat(word));
  }
});

test('what is wrong with a host is told of the host, not of the VM that moved then', () => {
  const { subject } = tellingOf(notificationOf([alertOf('host-overheated')]), OPTIONS);
  expect(subject).toBe('WARNING: Host overheats: kvm-a (pod-1)');
});

test('of many alerts one of each kind is told in full, and the length is bounded', () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ ...all[i % 4]!, id: String(i) }));
  const telling = tellingOf(notificationOf(many, { others: many, explains: many }), OPTIONS);
  expect(telling.alerts.map(({ saying }) => saying.detector)).toEqual(all.slice(0, 3).map(({ detector }) => detector));
  expect(telling.more).toBe('and 4987 more; all of them: precopy alerts');
  expect(tellingText(telling, SHEET).split('\n').length).toBeLessThan(250);
});

test('whatever stands in a log, a subject is one short line and a page has no markup of it', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('<script>x</script>', 'a\r\nBcc: b', '\u001b[2J\u202e', '${x}{{y}}'),
  );
  fc.assert(
    fc.property(nasty, nasty, (name, words) => {
      const [first] = all;
      if (first === undefined) throw new Error('no alert');
      const finding = { ...first.finding, vm: name, summary: words, remedies: [{ what: words, command: words }] };
      const alert = { ...first, finding, quotes: [words], cluster: name };
      const telling = tellingOf(notificationOf([alert], { others: [alert], explains: [alert], cluster: name }), OPTIONS);
      expect(telling.subject).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(Array.from(telling.subject).length).toBeLessThanOrEqual(120);
      expect(tellingHtml(telling)).not.toContain('<script');
      expect(tellingText(telling, SHEET)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    }),
  );
});
