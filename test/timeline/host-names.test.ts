import { describe, expect, test } from 'vitest';
import { hostNamed, shortNames } from '../../src/timeline/host-names.ts';

describe('a host with its domain and without', () => {
  test('is one', () => {
    expect([...shortNames(new Set(['kvm-a', 'kvm-a.example.com', 'kvm-b.example.com']))]).toEqual([
      ['kvm-a.example.com', 'kvm-a'],
    ]);
  });

  test('is not where its short name could be of two', () => {
    expect([...shortNames(new Set(['kvm-a', 'kvm-a.dc1.example.com', 'kvm-a.dc2.example.com']))]).toEqual([]);
  });

  test('is not taken from an address', () => {
    expect([...shortNames(new Set(['10', '10.77.0.1']))]).toEqual([]);
  });
});

test.each([
  ['kvm-b', ['kvm-a', 'kvm-b'], 'kvm-b'],
  ['kvm-b.example.com', ['kvm-a', 'kvm-b'], 'kvm-b'],
  ['kvm-b', ['kvm-a', 'kvm-b.example.com'], 'kvm-b.example.com'],
  ['kvm-b', ['kvm-b.dc1.example.com', 'kvm-b.dc2.example.com'], null],
  ['kvm-b.dc1.example.com', ['kvm-b.dc2.example.com'], null],
  ['kvm-b.dc1.example.com', ['kvm-b', 'kvm-b.dc2.example.com'], null],
  ['10.77.0.2', ['10'], null],
] as const)('%s among %j is %s', (name, hosts, host) => {
  expect(hostNamed(name, new Set(hosts))).toBe(host);
});
