import { groupBy } from '../lib/group.ts';
import type { Masker } from './mask.ts';

/** Facts by their dotted names; a value is never empty. */
export type Facts = ReadonlyMap<string, string>;

/** `/proc/cpuinfo`: model, flags and microcode of the CPUs; where CPUs differ, all that there are. */
export function cpuFacts(cpuinfo: string): Facts {
  const values = (name: string): string => {
    const found = [...cpuinfo.matchAll(/^([^:\n]*?)\s*:[ \t]*(.*)$/gm)].flatMap(([, key, value = '']) =>
      key === name ? value : [],
    );
    return [...new Set(found)].join(' | ');
  };
  return present([
    ['cpu.model', values('model name')],
    ['cpu.flags', values('flags')],
    ['cpu.microcode', values('microcode')],
    ['cpu.count', String([...cpuinfo.matchAll(/^processor\s*:/gm)].length)],
  ]);
}

/** `ip -o addr show scope global`: the addresses of each interface that is no guest's. */
export function addressFacts(text: string): Facts {
  const addresses = [...text.matchAll(/^\d+: (\S+?)(?:@\S+)?\s+inet6? ([0-9a-fA-F.:]+)/gm)].flatMap(
    ([, name = '', address = '']) => (OF_GUESTS.test(name) ? [] : [{ name, address }]),
  );
  const byName = groupBy(addresses, ({ name }) => name);
  return new Map([...byName].map(([name, own]) => [`address.${name}`, own.map(({ address }) => address).join(' ')]));
}

/** Interfaces that come and go with VMs, and have the MTU of their bridge. */
export const OF_GUESTS = /^(?:lo$|vnet|tap|macvtap|veth|fwln|fwpr)/;

/** `virsh version --daemon`. */
export function versionFacts(text: string): Facts {
  return present([
    ['version.libvirt', /^Running against daemon: (\S+)/m.exec(text)?.[1]],
    ['version.qemu', /^Running hypervisor: QEMU (\S+)/m.exec(text)?.[1]],
  ]);
}

/** `virsh capabilities`: the CPU as libvirt knows it, which it compares when a migration begins. */
export function capabilityFacts(xml: string): Facts {
  const cpu = /<host>[^]*?<cpu>([^]*?)<\/cpu>/.exec(xml)?.[1] ?? '';
  return present([
    ['libvirt.cpu.model', /<model>([^<]*)<\/model>/.exec(cpu)?.[1]],
    ['libvirt.cpu.features', [...cpu.matchAll(/<feature name='([^']*)'/g)].map(([, name]) => name).join(' ')],
  ]);
}

/** `virsh domcapabilities`: what `host-model` gives a guest on this host; `-` before a feature that it takes away. */
export function domainCapabilityFacts(xml: string): Facts {
  const model = /<mode name='host-model' supported='yes'>([^]*?)<\/mode>/.exec(xml)?.[1] ?? '';
  const features = [...model.matchAll(/<feature policy='([^']*)' name='([^']*)'/g)];
  return present([
    ['libvirt.machine', /<machine>([^<]*)<\/machine>/.exec(xml)?.[1]],
    ['libvirt.host-model', /<model[^>]*>([^<]*)<\/model>/.exec(model)?.[1]],
    ['libvirt.host-model.features', features.map(([, policy, name]) => `${policy === 'disable' ? '-' : ''}${name}`).join(' ')],
  ]);
}

/** Versions of packages, a line each: name, version and, of dpkg, whether it is installed or only left its settings. */
export function packageFacts(text: string): Facts {
  return present(
    [...text.matchAll(/^([^\t\n]+)\t(\S+)(?:\tinstalled)?$/gm)].map(([, name, version]) => [`package.${name}`, version]),
  );
}

/** `systemctl show -p Id,LoadState,ActiveState`: the states of services that this host has. */
export function serviceFacts(text: string): Facts {
  return present(
    text.split(/\n\s*\n/).map((block) => {
      const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(block)?.[1] ?? '';
      return [`service.${value('Id').replace(/\.service$/, '')}`, value('LoadState') === 'loaded' ? value('ActiveState') : ''];
    }),
  );
}

/** `agent.properties`: every setting but those that the masker masks. */
export function agentFacts(properties: string, mask: Masker): Facts {
  const entries = properties.split(/\r?\n/).flatMap((line): readonly (readonly [string, string])[] => {
    const [, name, value = ''] = /^[ \t]*([^#!=:\s][^=:\s]*)[ \t]*[=:][ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    const bytes = Buffer.from(line);
    return name === undefined || Buffer.compare(mask(bytes), bytes) !== 0 ? [] : [[`agent.${name}`, value]];
  });
  return present(entries);
}

/** The last of several values of one name counts, as in a Java properties file. */
function present(entries: Iterable<readonly [string, string | undefined]>): Facts {
  return new Map([...entries].flatMap(([name, value = '']) => (value.trim() === '' ? [] : [[name, value.trim()] as const])));
}
