import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shell } from '../../src/lib/shell.ts';

test('what needs no quotes has none', () => {
  expect(shell`virsh -c qemu+ssh://${'kvm-b.example.org'}/system domstate ${'i-2-10-VM'} --reason`).toBe(
    'virsh -c qemu+ssh://kvm-b.example.org/system domstate i-2-10-VM --reason',
  );
  expect(shell`virsh migrate-setmaxdowntime ${'v'} ${2500}`).toBe('virsh migrate-setmaxdowntime v 2500');
});

test('a name from a log does nothing when it is pasted', () => {
  expect(shell`virsh domstate ${'x; reboot'}`).toBe("virsh domstate 'x; reboot'");
  expect(shell`virsh domstate ${''}`).toBe("virsh domstate ''");
});

test('whatever the value, a shell takes it as one word', () => {
  const anything = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(anything, (value) => {
      const command = shell`printf %s ${value}`;
      expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).toBe(value);
    }),
    { numRuns: 60 },
  );
});
