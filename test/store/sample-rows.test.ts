import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../src/model/event.ts';
import { NO_COUNTERS } from '../../src/parsers/no-counters.ts';
import { hostFactsOf, samplesOf } from '../../src/store/sample-rows.ts';
import type { StoredEvent } from '../../src/store/rows.ts';

function stored(body: EventBody, vm: string | null = null): StoredEvent {
  const file = { host: 'kvm-a', source: 'domjobinfo', path: '/p', vm } as const;
  return {
    cluster: 'c1',
    fileId: 'f',
    n: 0,
    event: { body, at: 5, origin: { file, line: 1, offset: 0, text: '', messageAt: 0, written: '' } },
  };
}

const PLACE = { cluster: 'c1', host: 'kvm-a', at: 5 };

describe('samples', () => {
  it('counters of a job that a program told are samples; those it did not are absent, and 0 is a number', () => {
    const body: EventBody = {
      kind: 'job-sample',
      vm: null,
      monitor: null,
      direction: 'outgoing',
      status: 'active',
      ...NO_COUNTERS,
      remainingBytes: 0,
      dirtyRateBytesPerSecond: 7,
    };
    expect(samplesOf(stored(body, 'i-2-10-VM'))).toEqual([
      { ...PLACE, vm: 'i-2-10-VM', metric: 'job.remainingBytes', subject: 'outgoing', value: 0 },
      { ...PLACE, vm: 'i-2-10-VM', metric: 'job.dirtyRateBytesPerSecond', subject: 'outgoing', value: 7 },
    ]);
  });

  it('a temperature comes with the limits that its chip has', () => {
    const body: EventBody = {
      kind: 'temperature',
      chip: 'c',
      sensor: 's',
      celsius: 50,
      highCelsius: null,
      critCelsius: 100,
      alarm: false,
    };
    expect(samplesOf(stored(body))).toEqual([
      { ...PLACE, vm: '', metric: 'temperature.celsius', subject: 'c/s', value: 50 },
      { ...PLACE, vm: '', metric: 'temperature.critCelsius', subject: 'c/s', value: 100 },
    ]);
  });

  it('a heartbeat is told by its pool, or by the address where the pool is not known', () => {
    const body = { kind: 'heartbeat-probe', address: '10.0.0.1', latencyMs: 9, pending: true, errorText: null } as const;
    const subjects = [null, 'p1'].map((pool) =>
      samplesOf(stored({ ...body, pool })).map(({ subject, value }) => [subject, value]),
    );
    expect(subjects).toEqual([[['10.0.0.1', 9]], [['p1', 9]]]);
  });

  it('other events are none, and only host facts are facts', () => {
    const fact: EventBody = { kind: 'host-fact', name: 'cpu.model', value: '' };
    expect(samplesOf(stored(fact))).toEqual([]);
    expect(hostFactsOf(stored(fact))).toEqual([{ ...PLACE, name: 'cpu.model', value: '' }]);
    expect(hostFactsOf(stored({ kind: 'daemon-started', libvirtVersion: '9' }))).toEqual([]);
  });
});
