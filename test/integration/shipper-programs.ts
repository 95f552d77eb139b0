import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of one host, by absolute path. */
export interface ShippedHost {
  readonly host: string;
  readonly paths: readonly string[];
}

/** Where a shipper under test sends to, and a folder of its own. */
export interface ShipperTarget {
  readonly folder: string;
  readonly broker: string;
  readonly topic: string;
}

/** A program that ships, as its configuration in `deploy/shippers` says. */
export interface ShipperProgram {
  readonly format: 'rsyslog' | 'syslog-ng';
  /** What is missing to run it, in one line; `null` where nothing is. */
  missing(): string | null;
  /** Starts one for each host; the caller ends them. */
  start(hosts: readonly ShippedHost[], target: ShipperTarget): readonly ChildProcess[];
}

/** Folder with the unpacked packages of syslog-ng: it and rsyslog cannot both be installed. */
const UNPACKED = process.env['PRECOPY_SYSLOG_NG'] ?? '';

function configured(name: string, { broker, topic }: ShipperTarget): string {
  return readFileSync(join('deploy/shippers', name), 'utf8')
    .replaceAll('kafka1.example.org:9092', broker)
    .replaceAll('logs-kvm', topic);
}

/** rsyslogd in the foreground, with state, socket and process id in the folder. */
export const rsyslogd: ShipperProgram = {
  format: 'rsyslog',
  missing() {
    const there = existsSync('/usr/sbin/rsyslogd') && spawnSync('find', ['/usr/lib', '-name', 'omkafka.so']).stdout.length > 0;
    return there ? null : 'apt-get install rsyslog rsyslog-kafka';
  },
  start(hosts, target) {
    return hosts.map(({ host, paths }) => {
      const folder = join(target.folder, host);
      mkdirSync(folder);
      const text = configured('rsyslog.conf', target)
        .replace(/^input\(.*\n/gm, '')
        .replace('global(', `global(workDirectory="${folder}" localHostname="${host}" `)
        .replace('/var/spool/rsyslog', folder);
      const inputs = paths.map(
        (path) => `input(type="imfile" file="${path}" tag="precopy" addMetadata="on" ruleset="precopy")\n`,
      );
      writeFileSync(join(folder, 'rsyslog.conf'), text + inputs.join(''));
      const args = ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')];
      return spawn('/usr/sbin/rsyslogd', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    });
  },
};

/** syslog-ng in the foreground, installed or unpacked. */
export const syslogNgDaemon: ShipperProgram = {
  format: 'syslog-ng',
  missing() {
    const there = existsSync(`${UNPACKED}/usr/sbin/syslog-ng`) && existsSync(kafkaModule());
    return there
      ? null
      : 'apt-get install syslog-ng-core syslog-ng-mod-rdkafka (or unpack them with dpkg -x into a folder, and name it as PRECOPY_SYSLOG_NG)';
  },
  start(hosts, target) {
    return hosts.map(({ host, paths }) => {
      const folder = join(target.folder, host);
      mkdirSync(folder);
      const files = paths.map((path) => `  file("${path}" flags(no-parse) follow-freq(0.1) host-override("${host}"));`);
      const text = configured('syslog-ng.conf', target).replace(
        /^source s_precopy \{[^}]*\};/m,
        `source s_precopy {\n${files.join('\n')}\n};`,
      );
      const configuration = join(folder, 'syslog-ng.conf');
      writeFileSync(configuration, text);
      const own = ['-p', join(folder, 'pid'), '-c', join(folder, 'control'), '-R', join(folder, 'persist')];
      const modules = UNPACKED === '' ? [] : ['--module-path', join(kafkaModule(), '..')];
      return spawn(`${UNPACKED}/usr/sbin/syslog-ng`, ['-F', '--no-caps', '-f', configuration, ...own, ...modules], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, ...(UNPACKED === '' ? {} : { LD_LIBRARY_PATH: `${UNPACKED}/usr/lib/syslog-ng` }) },
      });
    });
  },
};

function kafkaModule(): string {
  const found = spawnSync('find', [`${UNPACKED}/usr/lib`, '-name', 'libkafka.so', '-path', '*syslog-ng*'], { encoding: 'utf8' });
  return found.stdout.split('\n')[0] ?? '';
}
