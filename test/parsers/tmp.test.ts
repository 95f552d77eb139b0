import { test } from 'vitest';
import { libvirtQemu } from '../../src/parsers/libvirt-qemu.ts';
import { libvirtd } from '../../src/parsers/libvirtd.ts';
import { createScanner } from '../../src/parsers/scan.ts';
test('slow', () => {
  for (const parser of [libvirtQemu, libvirtd]) for (const rule of parser.rules) for (const sample of rule.samples) {
    const heads = [sample.record];
    for (const n of [10, 20, 40, 60, 80, 100, 120, 140, 160]) heads.push(sample.record.slice(0, n));
    for (const h of heads) for (const unit of [h.slice(-10), h.slice(-30), h, ' ', 'a', ', qemu version: ', ' CPU', ' migrat', '"event": ', '\n', '{"status"', ' (', ', hostname: ', "'", '=']) {
      const text = h + unit.repeat(Math.ceil(65536 / Math.max(1, unit.length)));
      const t = performance.now();
      const s = createScanner(parser, { host: 'a', source: parser.source, path: 'p', vm: 'v' }, () => {});
      s.push(text); s.end();
      const ms = performance.now() - t;
      if (ms > 8) console.log('SLOW', rule.name, ms.toFixed(0), JSON.stringify(h.slice(-40)), JSON.stringify(unit.slice(0, 40)));
    }
  }
}, 600000);
