import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { terminalReport } from '../reports/terminal.ts';
import type { Terminal } from './analyze.ts';
import { DEFAULT_SETTINGS, runAnalysis } from './run-analysis.ts';

/** Recordings of real migrations that show most, and what was done in each. */
const SHOWN: readonly { readonly folder: string; readonly story: string }[] = [
  { folder: 'libvirt-9.0/healthy', story: 'An idle VM moves. Nothing is wrong.' },
  { folder: 'libvirt-9.0/cpu-incompatible', story: 'The destination lacks CPU features of the running VM.' },
  {
    folder: 'libvirt-9.0/not-converging',
    story: 'The VM dirties memory faster than it is copied; after 70 s an operator gives up.',
  },
  { folder: 'libvirt-11.3/missing-garp', story: 'The VM moves, but no announcement reaches the switch.' },
  { folder: 'libvirt-9.0/storage-spike', story: 'Primary storage hangs twice while the VM moves.' },
  { folder: 'libvirt-7.0/split-brain', story: 'A switch port goes down, and HA starts the VM a second time.' },
];

const WIDTH = 100;

/** `precopy demo`: recorded real migrations through the real pipeline. */
export async function demo(terminal: Terminal): Promise<number> {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'recordings');
  const width = terminal.width ?? WIDTH;
  for (const { folder, story } of SHOWN) {
    const path = join(root, folder);
    const analysis = await runAnalysis([path], DEFAULT_SETTINGS, { stdin: terminal.stdin, progress: () => {} });
    terminal.out(`${'━'.repeat(width)}\n${story}\n  $ precopy analyze recordings/${folder}\n\n`);
    terminal.out(`${terminalReport(analysis, { width, color: terminal.color, allEvidence: false })}\n`);
  }
  terminal.out(
    `${'━'.repeat(width)}\nThese were recordings of real migrations. Now yours:\n  $ precopy analyze FOLDER-WITH-LOGS-OF-BOTH-HOSTS\n`,
  );
  return 0;
}
