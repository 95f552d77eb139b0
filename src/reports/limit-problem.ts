import type { Detector } from '../detectors/detector.ts';
import { detectors } from '../detectors/index.ts';
import { nearest } from '../lib/nearest.ts';
import { limitsOf } from './catalogue.ts';

/** What is wrong with a detector or limit that somebody wrote, and what may be written. */
export interface LimitProblem {
  readonly problem: string;
  readonly hint: string;
}

/** The detector of that name, or that there is none. */
export function detectorNamed(id: string): Detector | LimitProblem {
  const ids = detectors.map((known) => known.id);
  const hint = meant(id, ids) ?? `detectors are ${ids.join(', ')}`;
  return detectors.find((known) => known.id === id) ?? { problem: `no detector ${id}`, hint };
}

/** What is wrong with one limit of a detector, given with all that are set for it; `null` where it can be used. */
export function limitProblem(id: string, name: string, settings: Readonly<Record<string, number>>): LimitProblem | null {
  const detector = detectorNamed(id);
  if ('problem' in detector) return detector;
  const all = limitsOf(detector.limits);
  const known = all.find((limit) => limit.name === name);
  if (known === undefined) {
    const names = all.map((limit) => limit.name);
    return { problem: `no limit ${name}`, hint: meant(name, names) ?? limitsHint(detector) };
  }
  const hint = `${name} takes: ${known.range} (${known.description}; default ${known.defaultValue})`;
  if (Number.isNaN(settings[name])) return { problem: 'not a number', hint };
  const wrong = detector.limits.safeParse(settings).error?.issues[0]?.message;
  return wrong === undefined ? null : { problem: wrong, hint };
}

/** Which limits a detector has. */
export function limitsHint({ id, limits }: Pick<Detector, 'id' | 'limits'>): string {
  const names = limitsOf(limits).map((limit) => limit.name);
  return names.length === 0 ? `${id} has no limits` : `limits of ${id}: ${names.join(', ')} (docs/detectors/README.md)`;
}

function meant(written: string, names: readonly string[]): string | null {
  const near = nearest(written, names);
  return near === null ? null : `did you mean ${near}?`;
}
