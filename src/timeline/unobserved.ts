import type { Source } from '../model/source.ts';
import type { Migration } from '../model/timeline.ts';

/** Which programs' output was read, of which hosts. */
export type Coverage = readonly { readonly host: string; readonly source: Source }[];

type Observed = Pick<Migration, 'source' | 'destination' | 'samples' | 'announcement' | 'downtime' | 'outcome'>;

/** Logs that tell most of a migration, and of which side. */
const LOGS: readonly { readonly kind: Source; readonly side: 'source' | 'destination'; readonly name: string }[] = [
  { kind: 'cloudstack-agent', side: 'source', name: 'agent.log' },
  { kind: 'libvirt-qemu', side: 'source', name: 'QEMU log' },
  { kind: 'libvirt-qemu', side: 'destination', name: 'QEMU log' },
  { kind: 'libvirtd', side: 'source', name: 'libvirtd log' },
  { kind: 'libvirtd', side: 'destination', name: 'libvirtd log' },
];

/** What would have told more of a migration and was not there, in words. */
export function unobservedOf(migration: Observed, files: Coverage): readonly string[] {
  const missing = LOGS.filter(
    ({ kind, side }) => !files.some(({ host, source }) => host === migration[side] && source === kind),
  ).map(({ name, side }) => `${name} of ${migration[side] ?? `the ${side}`}`);
  if (migration.samples.length === 0)
    missing.push('job statistics (virsh domjobinfo, or the QEMU monitor in libvirtd.log): dirty rate, bandwidth');
  if (migration.outcome !== 'completed') return missing;
  if (migration.downtime === null) missing.push('downtime (virsh domjobinfo --completed on the destination)');
  if (migration.announcement.state === 'unobserved') missing.push(`announcement: ${migration.announcement.because}`);
  return missing;
}
