import { MAC } from './text.ts';

/** What a migration needs to know of a domain XML. */
export interface DomainXml {
  readonly uuid: string | null;
  readonly macs: readonly string[];
  /** The CPU model, or the mode (`host-passthrough`) where no model is named. */
  readonly cpu: string | null;
}

/**
 * Picks identity, network cards and CPU out of a domain XML in a log. libvirt quotes with `'`, the agent's own serialiser with
 * `"`; the text may be cut, so this reads what is there.
 */
export function domainXml(xml: string | undefined): DomainXml {
  const text = xml ?? '';
  const uuid = /<uuid>([0-9a-f-]{36})<\/uuid>/.exec(text)?.[1] ?? null;
  const macs = [...text.matchAll(new RegExp(`<mac address=['"](${MAC})['"]`, 'g'))].map((match) => match[1] ?? '');
  const cpu = /<cpu\b([^>]*)>(?:(?!<\/cpu>)[^])*?(?:<model[^>]*>([^<]*)<\/model>|<\/cpu>)/.exec(text);
  const model = cpu?.[2]?.trim();
  const mode = /\bmode=['"]([\w-]+)['"]/.exec(cpu?.[1] ?? /<cpu\b([^>]*)\/>/.exec(text)?.[1] ?? '')?.[1];
  return { uuid, macs, cpu: model !== undefined && model !== '' ? model : (mode ?? null) };
}
