import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Notification } from '../../src/alerts/alert.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import { NotifyError, type Notifier } from '../../src/notify/notifier.ts';
import { createAlerter, type Alerter } from '../../src/pipeline/alerts/alerter.ts';
import { createAlertStore } from '../../src/pipeline/alerts/alert-store.ts';
import { createDispatch, type RunningDispatch } from '../../src/pipeline/alerts/dispatch.ts';
import { toFindingMessage, type FindingChange } from '../../src/reports/finding-message.ts';
import { findingDocument, migrationDocument } from '../../src/reports/json.ts';
import { FINDINGS_TOPIC, type Producer, type Stream } from '../../src/stream/stream.ts';
import { analysedFolder } from '../recording.ts';
import { canRunKafka, kafkaBed } from '../stream/kafka-bed.ts';
import { openInstance, type Instance } from './instance.ts';

let instance: Instance;
beforeAll(async () => {
  instance = await openInstance();
}, 30_000);
afterAll(() => instance.remove());

/** The recorded failure as a finding of another VM in another cluster, that was found just now. */
async function failureOf(cluster: string, vm: string, at: number): Promise<FindingChange> {
  const { findings, migrations } = await analysedFolder('recordings/libvirt-9.0/cpu-incompatible');
  const finding = findings.find(({ detector }) => detector === 'cpu-incompatible');
  const migration = migrations.find(({ id }) => id === finding?.migration);
  if (finding === undefined || migration === undefined) throw new Error('no finding');
  const byMs = at - (finding.to ?? finding.from);
  const document = findingDocument(finding);
  const shifted = (text: string): string => new Date(Date.parse(text) + byMs).toISOString();
  return {
    change: 'found',
    id: `${finding.id}-${cluster}-${vm}`,
    cluster,
    at,
    finding: {
      ...document,
      id: `${finding.id}-${vm}`,
      vm,
      migration: `m-${vm}`,
      from: shifted(document.from),
      to: document.to === null ? null : shifted(document.to),
      evidence: document.evidence.map((line) => ({ ...line, at: shifted(line.at) })),
    },
    migration: { ...migrationDocument(migration), id: `m-${vm}`, vm },
    quotes: document.evidence.map(({ text }) => text),
  };
}

async function publish({ producer }: Way, changes: readonly FindingChange[], origin?: string): Promise<void> {
  await producer.send(
    FINDINGS_TOPIC,
    changes.map((change) => ({
      key: encodeURIComponent(change.cluster),
      headers: origin === undefined ? {} : { origin },
      value: Buffer.from(JSON.stringify(toFindingMessage(change))),
    })),
  );
}

/** Somebody who is told: keeps what arrives. */
interface Listener {
  readonly heard: Notification[];
  /** Whether it takes anything. */
  takes: boolean;
  readonly notifier: Notifier;
}

function createListener(): Listener {
  const listener: Listener = {
    heard: [],
    takes: true,
    notifier: {
      send(notification) {
        if (!listener.takes) return Promise.reject(new NotifyError('503 Service Unavailable', { retriable: true }));
        listener.heard.push(notification);
        return Promise.resolve({ status: '200 OK' });
      },
      repeat: null,
      report: null,
      close: () => Promise.resolve(),
    },
  };
  return listener;
}

interface Running {
  readonly alerter: Alerter;
  readonly dispatch: RunningDispatch;
  end(): Promise<void>;
}

/** How findings come to who alerts. */
interface Way {
  readonly stream: Stream;
  readonly producer: Producer;
}

/** One process of those that alert. */
async function running({ stream }: Way, { notifier }: Listener, origin: string | null = null): Promise<Running> {
  const store = createAlertStore(instance.store, Date.now);
  const failed = (): void => {};
  const dispatch = createDispatch({
    receivers: [{ name: 'ops', notifier, minSeverity: 'warning', clusters: [], detectors: [] }],
    store,
    alerts: () => alerter.alerts(),
    attempted() {},
    failed,
    now: Date.now,
    random: () => 0.5,
  });
  const alerter = createAlerter({
    stream,
    origin,
    store,
    dispatch,
    stepped() {},
    unreadable: failedWith,
    failed: failedWith,
    settings: alertSettings.parse({}),
    maintenance: () => [],
    now: Date.now,
  });
  await alerter.start();
  return {
    alerter,
    dispatch,
    async end() {
      await alerter.stop();
      await dispatch.stop();
    },
  };
}

function failedWith(error: unknown): never {
  throw error instanceof Error ? error : new Error(String(error));
}

async function told(one: Running): Promise<void> {
  await one.alerter.idle();
  await one.dispatch.idle();
}

function alerting(name: string, way: () => Way): void {
  test('with two processes and a restart of each, every failure is told once', async () => {
    const listener = createListener();
    const clusters = Array.from({ length: 12 }, (_, i) => `${name}-two-${i}`);
    const [first, second] = [await running(way(), listener), await running(way(), listener)];
    await publish(way(), await Promise.all(clusters.map((cluster) => failureOf(cluster, 'i-2-1-VM', Date.now()))));
    await told(first);
    await first.end();
    // the same again, as after a kill before the commit, to whoever has the partitions now
    await publish(way(), await Promise.all(clusters.map((cluster) => failureOf(cluster, 'i-2-1-VM', Date.now()))));
    await publish(way(), await Promise.all(clusters.map((cluster) => failureOf(cluster, 'i-2-2-VM', Date.now()))));
    await told(second);
    await second.end();
    const third = await running(way(), listener);
    await told(third);
    await third.end();
    const ofFirst = listener.heard.filter(({ alerts }) => alerts.some(({ subject }) => subject === 'i-2-1-VM'));
    expect(ofFirst.map(({ cluster }) => cluster).toSorted()).toEqual(clusters.toSorted());
    expect(new Set(listener.heard.map(({ id }) => id)).size).toBe(listener.heard.length);
    const rows = await instance.store.query(
      `SELECT cluster, outcome FROM notifications FINAL WHERE startsWith(cluster, '${name}-two-') AND attempt = 1 ORDER BY cluster`,
    );
    expect(rows).toHaveLength(listener.heard.length);
  }, 60_000);

  test('what did not arrive before an end is told after the next start, with the same id', async () => {
    const listener = createListener();
    listener.takes = false;
    const before = await running(way(), listener);
    await publish(way(), [await failureOf(`${name}-away`, 'i-2-3-VM', Date.now())]);
    await before.alerter.idle();
    await before.end();
    expect(listener.heard).toEqual([]);
    listener.takes = true;
    const after = await running(way(), listener);
    await told(after);
    await after.end();
    expect(listener.heard.map(({ cluster, alerts }) => [cluster, alerts.map(({ subject }) => subject)])).toEqual([
      [`${name}-away`, ['i-2-3-VM']],
    ]);
    const outcomes = await instance.store.query<{ readonly id: string; readonly outcome: string; readonly status: string }>(
      `SELECT id, outcome, status FROM notifications FINAL WHERE cluster = '${name}-away' ORDER BY at`,
    );
    expect(new Set(outcomes.map(({ id }) => id))).toEqual(new Set([listener.heard[0]?.id]));
    expect(outcomes.at(-1)).toMatchObject({ outcome: 'sent', status: '200 OK' });
    expect(outcomes[0]).toMatchObject({ outcome: 'failed', status: '503 Service Unavailable' });
  }, 60_000);

  test('where processors have tables of their own, each tells of what is in its own', async () => {
    const [a, b] = [createListener(), createListener()];
    const [first, second] = [await running(way(), a, `${name}a`), await running(way(), b, `${name}b`)];
    await publish(way(), [await failureOf(`${name}-own`, 'i-2-6-VM', Date.now())], `${name}a`);
    await told(first);
    await told(second);
    await first.end();
    await second.end();
    expect([a, b].map(({ heard }) => heard.filter(({ cluster }) => cluster === `${name}-own`).length)).toEqual([1, 0]);
  }, 60_000);

  test('what is acknowledged, silenced or over is stored so, and a silence keeps what it matches from being told', async () => {
    const listener = createListener();
    const one = await running(way(), listener);
    const store = createAlertStore(instance.store, Date.now);
    const done = { by: 'jan', at: Date.now(), comment: 'a known switch' };
    await store.act({
      kind: 'silence',
      id: `s-${name}`,
      ...done,
      matchers: [{ field: 'cluster', is: '=', value: `${name}-quiet` }],
      from: Date.now() - 1000,
      until: Date.now() + 600_000,
    });
    await one.alerter.acted();
    await publish(way(), [
      await failureOf(`${name}-quiet`, 'i-2-4-VM', Date.now()),
      await failureOf(`${name}-loud`, 'i-2-5-VM', Date.now()),
    ]);
    await told(one);
    expect(listener.heard.map(({ cluster }) => cluster)).toEqual([`${name}-loud`]);
    const [loud] = one.alerter.alerts().filter(({ cluster }) => cluster === `${name}-loud`);
    await store.act({ kind: 'acknowledge', id: `a-${name}`, ...done, at: Date.now(), alert: loud?.id ?? '' });
    await one.alerter.acted();
    await one.end();
    const rows = await instance.store.query(
      `SELECT cluster, state, muted_because != '' AS muted, acknowledged_by FROM alerts FINAL
       WHERE cluster IN ('${name}-quiet', '${name}-loud') ORDER BY cluster`,
    );
    expect(rows).toEqual([
      { cluster: `${name}-loud`, state: 'firing', muted: 0, acknowledged_by: 'jan' },
      { cluster: `${name}-quiet`, state: 'firing', muted: 1, acknowledged_by: '' },
    ]);
  }, 60_000);
}

describe('findings through the embedded stream', () => {
  alerting('embedded', () => instance);
});

describe.runIf(canRunKafka())('findings through Kafka', () => {
  const bed = kafkaBed();
  let way: Way;
  beforeAll(async () => {
    const stream = await bed.open({ partitions: 4 });
    way = { stream, producer: await stream.producer() };
  }, 60_000);
  alerting('kafka', () => way);
});
