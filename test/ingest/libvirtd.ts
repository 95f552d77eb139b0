import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './collecting.ts';

/** A libvirtd with state, settings and host name of its own, in a network namespace. */
export interface Libvirtd {
  /** Ends it, and the QEMUs that it started. */
  stop(): Promise<void>;
}

const PRIVATE = ['/run', '/etc/libvirt', '/var/lib/libvirt', '/var/log/libvirt', '/var/cache/libvirt'];

/** Starts one; `namespace` has to exist, `uuid` tells hosts apart. Needs root. */
export async function startLibvirtd(folder: string, namespace: string, uuid: string): Promise<Libvirtd> {
  mkdirSync(folder, { recursive: true });
  const socket = join(folder, 'libvirt-sock');
  const settings = [
    `unix_sock_dir = "${folder}"`,
    'auth_unix_rw = "none"',
    'auth_unix_ro = "none"',
    `host_uuid = "${uuid}"`,
    `log_outputs = "3:file:${folder}/libvirtd.log"`,
  ];
  const qemu = ['user = "root"', 'group = "root"', 'security_driver = "none"', 'cgroup_controllers = []', 'namespaces = []'];
  writeFileSync(join(folder, 'libvirtd.conf'), `${settings.join('\n')}\n`);
  writeFileSync(join(folder, 'qemu.conf'), `${[...qemu, 'stdio_handler = "file"', 'remember_owner = 0'].join('\n')}\n`);
  // a PID namespace: with the daemon go the QEMUs that it started
  const mounts = PRIVATE.map((path) => `mount -t tmpfs none ${path}`).join('; ');
  // the shell stays: as process 1 it has to take the children that QEMU leaves behind
  const start = `hostname ${uuid.slice(0, 8)}; ${mounts}; cp ${folder}/qemu.conf /etc/libvirt/; libvirtd -f ${folder}/libvirtd.conf & wait`;
  const args = ['netns', 'exec', namespace, 'unshare', '-m', '-u', '-p', '-f', '--kill-child', '--mount-proc', 'sh', '-c', start];
  const daemon = spawn('ip', args, { stdio: 'ignore' });
  await until('libvirtd listens', () => existsSync(socket), 15_000);
  return {
    async stop() {
      const gone = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}
