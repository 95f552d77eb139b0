import { ADDRESSES, type Host, type Move, type Plan } from '../plan.ts';
import type { LogFile } from '../log-file.ts';
import type { Random } from '../random.ts';
import { iso, utc } from './times.ts';

const POOL = '5ca1759a-88e2-4b65-9134-bfd3159528f5';
const GATEWAY = '1e:00:4d:00:00:fe';
const ALL = 'ff:ff:ff:ff:ff:ff';
/** QEMU's five announcements after the guest runs. */
const ANNOUNCED_AFTER_MS: readonly number[] = [0, 50, 200, 450, 800];
const CLIENT_MS = 1200;

/** Writes to primary storage, quick ones and now and then a slow one. */
export function heartbeatNoise(host: Host, random: Random): (at: number) => string {
  return (at) => {
    const latency = random.next() < 0.0005 ? random.whole(150, 4000) : random.whole(2, 30);
    return `{"at":"${iso(at)}","path":"/mnt/${POOL}/KVMHA/hb-${ADDRESSES[host]}","latency_ms":${latency},"error":null}\n`;
  };
}

/** The network after a migration that completed. */
export function announcement({ vm, at, tookMs, end }: Move, log: LogFile): void {
  if (end !== 'completed') return;
  for (const after of ANNOUNCED_AFTER_MS) {
    const now = at + tookMs - CLIENT_MS + after;
    log.add(
      now,
      `${utc(now)}${String(after).padStart(3, '0')} ${vm.mac} > ${ALL}, ethertype Reverse ARP (0x8035), length 60: Reverse Request who-is ${vm.mac} tell ${vm.mac}, length 46\n`,
    );
  }
}

/** Everybody's ARP. */
export function networkNoise(plan: Plan, random: Random): (at: number) => string {
  return (at) => {
    const { mac } = random.pick(plan.vms);
    const time = `${utc(at)}${random.whole(100, 999)}`;
    const address = `10.78.${random.whole(0, 3)}.${random.whole(1, 254)}`;
    return random.next() < 0.5
      ? `${time} ${mac} > ${ALL}, ethertype ARP (0x0806), length 42: Request who-has 10.78.0.254 tell ${address}, length 28\n`
      : `${time} ${GATEWAY} > ${mac}, ethertype ARP (0x0806), length 42: Reply 10.78.0.254 is-at ${GATEWAY}, length 28\n`;
  };
}
