import { cloudstackAgent } from './cloudstack-agent.ts';
import { bridgeFdb } from './bridge-fdb.ts';
import { collector } from './collector.ts';
import { domjobinfo } from './domjobinfo.ts';
import { heartbeat } from './heartbeat.ts';
import { hostFacts } from './host-facts.ts';
import { journal } from './journal.ts';
import { sensors } from './sensors.ts';
import { tcpdump } from './tcpdump.ts';
import { libvirtQemu } from './libvirt-qemu.ts';
import { libvirtd } from './libvirtd.ts';
import type { Parser } from './parser.ts';

/** Every parser, one per source. */
export const parsers: readonly Parser[] = [
  cloudstackAgent,
  libvirtQemu,
  libvirtd,
  bridgeFdb,
  collector,
  domjobinfo,
  heartbeat,
  hostFacts,
  journal,
  sensors,
  tcpdump,
];
