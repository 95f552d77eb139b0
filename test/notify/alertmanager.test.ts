import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Alert } from '../../src/alerts/alert.ts';
import { alertmanager } from '../../src/notify/alertmanager.ts';
import type { Notifier } from '../../src/notify/notifier.ts';
import { have } from '../ingest/collecting.ts';
import { startAlertmanager, type AlertmanagerProgram } from './alertmanager-program.ts';
import { alertOf, notificationOf } from './alerts.ts';
import { direct, faults, openReceiver, status, type Receiver } from './receiver.ts';

const never = new AbortController().signal;
const labels = z.record(z.string(), z.string());
const posted = z.array(
  z.object({ labels, annotations: z.record(z.string(), z.string()), startsAt: z.iso.datetime(), endsAt: z.iso.datetime() }),
);
const seen = z.array(
  z.object({ labels, annotations: labels, status: z.object({ state: z.string(), silencedBy: z.array(z.string()) }) }),
);

function made(options: Readonly<Record<string, unknown>>, now = Date.now): Notifier {
  const checked = alertmanager.options.parse({ type: 'alertmanager', timeout: '2s', ...options });
  return alertmanager.create(checked, { now, out: () => {}, proxy: direct, runbookUrl: 'https://wiki.example.org/' });
}

/** An alert that began to fire just now. */
function fresh(detector: string, changes: Partial<Alert> = {}): Alert {
  const at = Date.now() - 1000;
  return alertOf(detector, { since: at, firingAt: at, ...changes });
}

describe('what Alertmanager is told', () => {
  const NOW = Date.UTC(2026, 10, 23, 5, 0, 0);
  let one: Receiver;
  let two: Receiver;
  beforeAll(async () => {
    one = await openReceiver();
    two = await openReceiver();
  });
  beforeEach(() => {
    one.answer(faults.ok);
    two.answer(faults.ok);
  });
  afterAll(async () => {
    await one.close();
    await two.close();
  });
  const pair = (): Notifier => made({ urls: [one.url, `${two.url}/proxied/`], labels: { site: 'north' } }, () => NOW);
  const last = (): z.infer<typeof posted> => posted.parse(JSON.parse(two.received.at(-1)?.body ?? ''));
  const firing = alertOf('cpu-incompatible');

  test('has who, what and where as labels, words as annotations, and an end four repeats ahead', async () => {
    await pair().send(notificationOf([firing]), never);
    expect(two.received.at(-1)?.url).toBe('/proxied/api/v2/alerts');
    expect(last()).toEqual([
      {
        labels: {
          site: 'north',
          alertname: 'PrecopyCpuIncompatible',
          detector: 'cpu-incompatible',
          cluster: 'pod-1',
          vm: 'i-2-10-VM',
          host: 'kvm-b',
          severity: 'critical',
        },
        annotations: {
          summary: 'CPU of the destination is incompatible: i-2-10-VM kvm-a → kvm-b',
          description: expect.stringContaining('lacks 2 CPU features'),
          runbook_url: 'https://wiki.example.org/cpu-incompatible',
        },
        startsAt: '2026-11-23T04:42:40.000Z',
        endsAt: '2026-11-23T05:04:00.000Z',
      },
    ]);
  });

  test('that became worse ends under its old severity', async () => {
    const told = {
      notification: 'n',
      at: NOW - 60_000,
      state: 'firing',
      severity: 'warning',
      inStorm: false,
      kind: 'firing',
      broken: false,
    } as const;
    await pair().send(notificationOf([{ ...firing, told }]), never);
    await pair().send(notificationOf([{ ...firing, worsenedAt: NOW - 60_000 }]), never);
    expect(last().map(({ labels: { severity }, endsAt }) => [severity, endsAt])).toEqual([
      ['critical', '2026-11-23T05:04:00.000Z'],
      ['info', '2026-11-23T05:00:00.000Z'],
      ['warning', '2026-11-23T05:00:00.000Z'],
    ]);
  });

  test('is taken if one member of the cluster has it, and the status says so', async () => {
    one.answer(faults.resets);
    expect((await pair().send(notificationOf([firing]), never)).status).toBe('200 OK; 1 of 2 members');
  });

  test('is worth another try if one of the errors may pass', async () => {
    one.answer(status(400, {}, '"bad"'));
    two.answer(status(503));
    await expect(pair().send(notificationOf([firing]), never)).rejects.toMatchObject({
      retriable: true,
      message: '503 Service Unavailable',
    });
  });

  test('is told in pieces of 500', async () => {
    const before = one.received.length;
    const many = Array.from({ length: 1200 }, (_, i) => ({ ...firing, finding: { ...firing.finding, vm: `i-2-${i}-VM` } }));
    await pair().repeat?.send(many, never);
    expect(one.received.slice(before).map(({ body }) => posted.parse(JSON.parse(body)).length)).toEqual([500, 500, 200]);
  });

  test('is something even of a test without alerts', async () => {
    await pair().send(notificationOf([], { kind: 'test' }), never);
    expect(last()[0]?.labels).toMatchObject({ alertname: 'PrecopyTest', severity: 'info' });
  });
});

describe.skipIf(!have('prometheus-alertmanager'))("Debian's Alertmanager", () => {
  let program: AlertmanagerProgram;
  let hook: Receiver;
  beforeAll(async () => {
    hook = await openReceiver();
    program = await startAlertmanager(hook.url);
  }, 30_000);
  afterAll(async () => {
    await program.stop();
    await hook.close();
  });

  const alerts = async (filter: string): Promise<z.infer<typeof seen>> =>
    seen.parse(await program.get(`/alerts?filter=${encodeURIComponent(filter)}`));
  /** What it told its own receiver of a detector. */
  const hooked = (detector: string): readonly z.infer<typeof hookBody>[] =>
    hook.received
      .map(({ body }) => hookBody.parse(JSON.parse(body)))
      .filter(({ groupLabels }) => groupLabels['detector'] === detector);
  const hookBody = z.object({ status: z.string(), groupLabels: labels, alerts: z.array(z.object({ labels })) });

  test('has what fires, groups it, and tells when it is over', { timeout: 30_000 }, async () => {
    const notifier = made({ urls: [program.url] });
    const first = fresh('cpu-incompatible');
    const second = { ...first, finding: { ...first.finding, vm: 'i-2-11-VM' } };
    await notifier.send(notificationOf([first, second]), never);
    const active = await alerts('detector=cpu-incompatible');
    expect(active.map(({ labels: { vm }, status: { state } }) => `${vm} ${state}`).toSorted()).toEqual([
      'i-2-10-VM active',
      'i-2-11-VM active',
    ]);
    await vi.waitFor(() => expect(hooked('cpu-incompatible')).toMatchObject([{ status: 'firing', alerts: [{}, {}] }]), 10_000);

    const over = { state: 'resolved', resolvedAt: Date.now(), resolvedBecause: 'the VM moved' } as const;
    await notifier.send(
      notificationOf(
        [
          { ...first, ...over },
          { ...second, ...over },
        ],
        { kind: 'resolved' },
      ),
      never,
    );
    await vi.waitFor(
      () => expect(hooked('cpu-incompatible').at(-1)).toMatchObject({ status: 'resolved', alerts: [{}, {}] }),
      10_000,
    );
    expect(await alerts('detector=cpu-incompatible')).toEqual([]);
  });

  test('keeps what is silenced there silent, by the labels', { timeout: 30_000 }, async () => {
    const endsAt = new Date(Date.now() + 60_000).toISOString();
    await program.post('/silences', {
      matchers: [{ name: 'host', value: 'kvm-a', isRegex: false }],
      startsAt: new Date().toISOString(),
      endsAt,
      createdBy: 'anna',
      comment: 'disk is being changed',
    });
    const notifier = made({ urls: [program.url] });
    await notifier.send(notificationOf([fresh('host-overheated')]), never);
    await vi.waitFor(async () => {
      const [alert] = await alerts('detector=host-overheated');
      expect(alert?.status).toMatchObject({ state: 'suppressed', silencedBy: [expect.any(String)] });
    }, 10_000);
    expect(hooked('host-overheated')).toEqual([]);
  });

  test('has one alert of what became worse, under its new severity', { timeout: 30_000 }, async () => {
    const notifier = made({ urls: [program.url] });
    const alert = fresh('network-interrupted');
    const severities = async (): Promise<readonly (string | undefined)[]> =>
      (await alerts('detector=network-interrupted')).map(({ labels: own }) => own['severity']);
    await notifier.send(notificationOf([{ ...alert, finding: { ...alert.finding, severity: 'warning' } }]), never);
    expect(await severities()).toEqual(['warning']);
    await notifier.send(notificationOf([{ ...alert, worsenedAt: Date.now() }]), never);
    expect(await severities()).toEqual(['critical']);
  });

  test('ends by itself what is not repeated, and keeps what is', { timeout: 30_000 }, async () => {
    const notifier = made({ urls: [program.url], repeatEvery: '500ms' });
    const [kept, lost] = [fresh('missing-garp'), fresh('not-converging')];
    await notifier.send(notificationOf([kept, lost]), never);
    await vi.waitFor(
      async () => {
        await notifier.repeat?.send([kept], never);
        expect(await alerts('detector=not-converging')).toEqual([]);
      },
      { timeout: 15_000, interval: 300 },
    );
    expect(await alerts('detector=missing-garp')).toMatchObject([{ status: { state: 'active' } }]);
  });
});
