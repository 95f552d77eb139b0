import type { Route } from '../alerts/route.ts';
import type { Config } from '../config.ts';
import { notifiers } from '../notify/index.ts';
import type { Notifier, NotifierParts } from '../notify/notifier.ts';

/** A notifier of the configuration. */
export interface NamedNotifier extends Route {
  readonly name: string;
  readonly type: string;
  readonly notifier: Notifier;
}

/** Notifiers as a configuration names them; `out` is where the process writes. */
export function configuredNotifiers(
  { alerts }: Pick<Config, 'alerts'>,
  parts: Omit<NotifierParts, 'runbookUrl' | 'proxy'>,
): readonly NamedNotifier[] {
  return alerts.notifiers.map(({ name, minSeverity, clusters, detectors, ...options }) => {
    const kind = notifiers.find(({ type }) => type === options.type);
    if (kind === undefined) throw new Error(`no kind of notifier ${options.type}`);
    const notifier = kind.create(options, { ...parts, runbookUrl: alerts.runbookUrl, proxy: alerts.proxy });
    return { name, type: options.type, minSeverity, clusters, detectors, notifier };
  });
}
