import type { Maintenance } from '../alerts/alert.ts';
import type { Config } from '../config.ts';
import { stableId } from '../lib/hash.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import { apiOptionsOf } from '../notify/cloudstack-api.ts';
import { hostsInMaintenance } from '../notify/cloudstack-hosts.ts';

/** How often CloudStack is asked which hosts it holds in maintenance. */
const ASK_MS = 60_000;
/** So many times in a row without an answer, and nothing is muted any more for what was heard before. */
const MOST_FAILURES = 10;

/** Knows which hosts CloudStack holds in maintenance. */
export interface MaintenanceWatch {
  start(): void;
  stop(): Promise<void>;
  /** As of the last answer; empty where nobody is asked. */
  maintenance(): readonly Maintenance[];
}

/** Asks the CloudStack that `maintenanceFrom` names; nobody where it names none. */
export function createMaintenanceWatch(options: Config['alerts'], { log }: { readonly log: Log }): MaintenanceWatch {
  const named = options.notifiers.find(({ name }) => name === options.maintenanceFrom);
  const stopping = new AbortController();
  let found: readonly Maintenance[] = [];
  let asking: Promise<void> = Promise.resolve();

  async function ask(notifier: NonNullable<typeof named>): Promise<void> {
    const { name } = notifier;
    const api = apiOptionsOf(notifier);
    const asked = { signal: stopping.signal, proxy: options.proxy, now: Date.now };
    for (let failures = 0; !stopping.signal.aborted; await pause(ASK_MS, stopping.signal)) {
      try {
        found = (await hostsInMaintenance(api, asked)).map(({ host, cluster, state }) => ({
          id: stableId('cloudstack', cluster ?? '', host),
          // CloudStack's name of a cluster need not be ours
          cluster: null,
          host,
          from: 0,
          until: Number.POSITIVE_INFINITY,
          comment: `CloudStack: ${state}`,
        }));
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures >= MOST_FAILURES) found = [];
        if (!stopping.signal.aborted)
          log.warn({ error, notifier: name }, 'CloudStack does not say which hosts are in maintenance');
      }
    }
  }

  return {
    start() {
      if (named !== undefined) asking = ask(named);
    },
    async stop() {
      stopping.abort();
      await asking;
    },
    maintenance: () => found,
  };
}
