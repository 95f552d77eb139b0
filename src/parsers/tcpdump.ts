import type { EventBody } from '../model/event.ts';
import type { Stamp } from '../model/source.ts';
import type { Groups, Parser, Rule } from './parser.ts';
import { MAC } from './text.ts';
import { clockStamp, isoStamp } from './time.ts';

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
/** Without -n tcpdump adds the maker of the card. */
const OUI = String.raw`(?: \(oui [^)]*\))?`;
/** With `-i any` the interface and the direction come first; `B` is a broadcast that came in. */
const ANY = String.raw`(?:\S+ +(?:In|Out|B|M|P) +(?:ifindex \d+ )?)?`;
const LINK = new RegExp(`^${ANY}(${MAC})${OUI}(?: > (${MAC}|Broadcast)${OUI},)? `);

interface Link {
  /** Ethernet source; `null` without -e. */
  readonly source: string | null;
  readonly toAll: boolean;
}

function linkOf(text: string): Link {
  // by number: names cost more than the match, and this is done for every frame
  const [, source = null, destination] = LINK.exec(text) ?? [];
  const toAll = destination === undefined ? /^\S+ +B /.test(text) : destination === BROADCAST || destination === 'Broadcast';
  return { source, toAll };
}

function frameSeen(mac: string | null): EventBody | null {
  return mac === null ? null : { kind: 'frame-seen', mac };
}

/** An announce names its sender twice; a host that asks for its own address (the first use of RARP) may look the same. */
function reverseRequest({ link = '', target, sender }: Groups): EventBody | null {
  const source = linkOf(link).source ?? (target === sender ? sender : null) ?? null;
  const announces = source !== null && target === sender && sender === source;
  return announces ? { kind: 'announced', mac: source, how: 'rarp' } : frameSeen(source);
}

/** Gratuitous: asks for the address it sends from. A probe for a free address sends from 0.0.0.0 (RFC 5227). */
function request({ link = '', target, sender }: Groups): EventBody | null {
  const { source } = linkOf(link);
  if (source === null || target !== sender) return frameSeen(source);
  return { kind: 'announced', mac: source, how: 'gratuitous-arp' };
}

function reply({ link = '', sender }: Groups): EventBody | null {
  const { source, toAll } = linkOf(link);
  const mac = source ?? sender ?? null;
  return toAll && mac !== null ? { kind: 'announced', mac, how: 'gratuitous-arp' } : frameSeen(mac);
}

const VM = '52:54:00:4a:b1:c2';
const rarp: EventBody = { kind: 'announced', mac: VM, how: 'rarp' };
const gratuitous: EventBody = { kind: 'announced', mac: VM, how: 'gratuitous-arp' };
const seen: EventBody = { kind: 'frame-seen', mac: VM };

const rules: readonly Rule[] = [
  {
    name: 'reverse-request',
    versions: '3.9 `rarp who-is`; 4.9 no type number; 4.99',
    message: new RegExp(String.raw`^(?<link>.*?)(?:Reverse Request|rarp) who-is (?<target>${MAC})${OUI} tell (?<sender>${MAC})`),
    starts: [],
    contains: 'who-is',
    event: reverseRequest,
    samples: [
      {
        record: `2026-11-23 02:45:32.798466 ${VM} > ff:ff:ff:ff:ff:ff, ethertype Reverse ARP (0x8035), length 60: Reverse Request who-is ${VM} tell ${VM}, length 46`,
        at: '2026-11-23T02:45:32.798Z',
        events: [rarp],
      },
      {
        record: `2024-03-10 10:00:00.000000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype 802.1Q (0x8100), length 64: vlan 100, p 0, ethertype Reverse ARP, Reverse Request who-is ${VM} tell ${VM}, length 46`,
        at: '2024-03-10T10:00:00.000Z',
        events: [rarp],
      },
      {
        record: `2026-11-23 02:45:32.798396 g2    Out ifindex 5 ${VM} ethertype Reverse ARP (0x8035), length 66: Reverse Request who-is ${VM} tell ${VM}, length 46`,
        at: '2026-11-23T02:45:32.798Z',
        events: [rarp],
      },
      {
        record: `10:00:00.100000 ARP, Reverse Request who-is ${VM} tell ${VM}, length 46`,
        at: '2000-01-01T10:00:00.100Z',
        events: [rarp],
      },
    ],
  },
  {
    name: 'request',
    versions: '3.9 `arp who-has`; 4.9, 4.99',
    message: /^(?<link>.*?)(?:Request|arp) who-has (?<target>[^\s,]+)(?: \([^)]*\))? tell (?<sender>[^\s,]+)/,
    starts: [],
    contains: 'who-has',
    event: request,
    samples: [
      {
        record: `2024-03-10 10:00:00.910000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.5 tell 10.0.0.5, length 28`,
        at: '2024-03-10T10:00:00.910Z',
        events: [gratuitous],
      },
      {
        record: `1710064800.920000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.5 (ff:ff:ff:ff:ff:ff) tell 10.0.0.5, length 28`,
        at: '2024-03-10T10:00:00.920Z',
        events: [gratuitous],
      },
      {
        record: `2024-03-10 10:00:00.980000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.5 tell 0.0.0.0, length 28`,
        at: '2024-03-10T10:00:00.980Z',
        events: [seen],
      },
      {
        record: '10:00:00.910000 ARP, Request who-has 10.0.0.5 tell 10.0.0.5, length 28',
        at: '2000-01-01T10:00:00.910Z',
        events: [],
      },
      { record: '10:00:00.910000 arp who-has 10.0.0.5 tell 10.0.0.5', at: '2000-01-01T10:00:00.910Z', events: [] },
    ],
  },
  {
    name: 'reply',
    versions: '3.9 `arp reply`; 4.9, 4.99',
    message: new RegExp(String.raw`^(?<link>.*?)(?:Reply|arp reply) [^\s,]+ is-at (?<sender>${MAC})`),
    starts: [],
    contains: 'is-at',
    event: reply,
    samples: [
      {
        record: `2024-03-10 10:00:00.930000 ${VM} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Reply 10.0.0.5 is-at ${VM}, length 28`,
        at: '2024-03-10T10:00:00.930Z',
        events: [gratuitous],
      },
      {
        record: `2024-03-10 10:00:00.960000 ${VM} > 00:16:3e:11:22:33, ethertype ARP (0x0806), length 60: Reply 10.0.0.5 is-at ${VM}, length 46`,
        at: '2024-03-10T10:00:00.960Z',
        events: [seen],
      },
      { record: `10:00:00.960000 ARP, Reply 10.0.0.5 is-at ${VM}, length 46`, at: '2000-01-01T10:00:00.960Z', events: [seen] },
    ],
  },
  {
    name: 'frame',
    versions: 'all, with -e',
    message: new RegExp(`^(?<link>${ANY}${MAC}${OUI} .*)`),
    starts: [],
    event: ({ link = '' }) => frameSeen(linkOf(link).source),
    samples: [
      {
        record: `10:00:00.100000 ${VM} > 00:16:3e:11:22:33, ethertype IPv4 (0x0800), length 98: 10.0.0.5 > 10.0.0.9: ICMP echo request, id 1, seq 1, length 64`,
        at: '2000-01-01T10:00:00.100Z',
        events: [seen],
      },
    ],
  },
];

/** What tcpdump says around its packets; without these a capture's first lines would be rejected. */
const BANNERS = [
  'tcpdump: ',
  'listening on ',
  'reading from file ',
  'dropped privs to ',
  String.raw`\d+ packets? (?:captured|received by filter|dropped by (?:kernel|interface))`,
].join('|');

/** Of a packet: date and time, time of day, or epoch; and the two that no clock can be made of: none (-t), a difference (-ttt). */
const TIME = String.raw`(?<time>(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d+|\d{9,10}\.\d+|[ -]\d\d:\d\d:\d\d\.\d+) `;
const UNTIMED = String.raw`(?<untimed>(?=${MAC} > |ARP, ))`;

function packetStamp({ time, untimed }: Groups): Stamp | null | 'bad-time' {
  if (time === undefined) return untimed === undefined ? null : 'bad-time';
  const epoch = /^(\d{9,10})\.(\d{3})/.exec(time);
  if (epoch !== null) return { ms: Number(`${epoch[1]}${epoch[2]}`), clock: 'utc', missing: 'nothing' };
  return time.includes('-', 1) ? isoStamp(time, 'local') : clockStamp(time);
}

/** tcpdump's text output. It says who sent a frame and that it passed here, not who received it. */
export const tcpdump: Parser = {
  source: 'tcpdump',
  title: 'tcpdump: ARP and RARP on a bridge or switch',
  reference:
    'print-arp.c, print-ether.c, print-sll.c and util-print.c (ts_print) of tcpdump 4.99; QEMU announces: net/announce.c',
  paths: /(?:^|[/._-])tcpdump(?:[._-][^/]*)?(?<!\.p?cap(?:ng)?)$/,
  recognises:
    /(?:ethertype |, )(?:Reverse )?(?:ARP|RARP)\b|\bARP, (?:Request|Reply|Reverse)|\barp who-has |^listening on \S+, link-type|^reading from file /,
  header: new RegExp(`${TIME}|${UNTIMED}|(?=${BANNERS})`, 'y'),
  time: packetStamp,
  rules,
};
