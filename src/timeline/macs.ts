import type { EventBody } from '../model/event.ts';

/** The MAC addresses of each VM, from wherever they are stated, each once and in their order. */
export function macsByVm(events: readonly { readonly body: EventBody }[]): ReadonlyMap<string, readonly string[]> {
  const macs = new Map<string, Set<string>>();
  for (const { body } of events) {
    if (body.kind !== 'domain-started' && body.kind !== 'migrate-requested') continue;
    const known = macs.get(body.vm) ?? new Set();
    for (const mac of body.macs) known.add(mac);
    macs.set(body.vm, known);
  }
  return new Map([...macs].map(([vm, own]) => [vm, [...own].toSorted()]));
}
