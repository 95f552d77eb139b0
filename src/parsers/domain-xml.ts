import { MAC } from './text.ts';

/** What a migration needs to know of a domain XML. */
export interface DomainXml {
  readonly uuid: string | null;
  readonly macs: readonly string[];
  /** The CPU model, or the mode (`host-passthrough`) where no model is named. */
  readonly cpu: string | null;
}

const MAC_ADDRESS = new RegExp(`<mac address=['"](${MAC})['"]`, 'g');

/**
 * Picks identity, network cards and CPU out of a domain XML in a log. libvirt quotes with `'`, the agent's own serialiser with
 * `"`; the text may be cut, so this reads what is there.
 */
export function domainXml(xml: string | undefined): DomainXml {
  const text = xml ?? '';
  const uuid = /<uuid>([0-9a-f-]{36})<\/uuid>/.exec(text)?.[1] ?? null;
  const macs = [...text.matchAll(MAC_ADDRESS)].map((match) => match[1] ?? '');
  return { uuid, macs, cpu: cpuOf(text) };
}

/** `<cpu mode='host-model' check='partial'/>`, or an element that names a model. */
function cpuOf(xml: string): string | null {
  const open = /<cpu(?:\s([^<>]*))?>/.exec(xml);
  if (open === null) return null;
  const attributes = open[1] ?? '';
  const body = xml.slice(open.index + open[0].length).split('</cpu>', 1)[0] ?? '';
  const model = attributes.endsWith('/') ? null : /<model\b[^<>]*>\s*([^<\s]+)\s*<\/model>/.exec(body)?.[1];
  return model ?? /\bmode=['"]([\w-]+)['"]/.exec(attributes)?.[1] ?? null;
}
