import type { DomainStarted } from '../../model/event.ts';
import { MAC } from '../text.ts';

/** What the command dump says of the VM; its name too, for logs whose file name is lost. */
export interface CommandDump extends Pick<DomainStarted, 'incoming' | 'uuid' | 'macs' | 'machine' | 'cpu' | 'memoryBytes'> {
  /** `-name guest=…`, or `-name …` before libvirt 1.3.5. */
  readonly name: string | null;
}

const NAME = /(?:^|\s)-name '?(?:guest=)?([^\s,']+)/;
const UUID = /(?:^|\s)-uuid ([0-9a-f-]{36})/;
const MACHINE = /(?:^|\s)-(?:machine|M) '?([^\s,']+)/;
const CPU = /(?:^|\s)-cpu '?([^\s,']+)/;
const MEMORY = /(?:^|\s)-m '?(?:size=)?(\d+)([kKmMgGtT]?)/;
const INCOMING = /(?:^|\s)-incoming /;
/** `mac=…` in option lists, `"mac":"…"` in JSON. */
const MACS = new RegExp(`\\bmac(?:=|":")(${MAC})`, 'g');

/** `-m` without a unit is MiB. */
const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/**
 * Reads the QEMU command that libvirt writes behind its start banner: one option a line, or all in one line (libvirt before 5).
 * Source: `virCommandToStringBuf` of libvirt src/util/vircommand.c.
 */
export function commandDump(text: string): CommandDump {
  return {
    name: NAME.exec(text)?.[1] ?? null,
    incoming: INCOMING.test(text) || (isCut(text) ? null : false),
    uuid: UUID.exec(text)?.[1] ?? null,
    macs: [...text.matchAll(MACS)].map(([, mac = '']) => mac),
    machine: MACHINE.exec(text)?.[1] ?? null,
    cpu: CPU.exec(text)?.[1] ?? null,
    memoryBytes: memoryBytes(text),
  };
}

function memoryBytes(text: string): number | null {
  const match = MEMORY.exec(text);
  if (match === null) return null;
  const [, digits, unit = ''] = match;
  return Number(digits) * (UNITS[unit.toLowerCase()] ?? 2 ** 20);
}

/** Options behind `-incoming`, of which libvirt writes one or both (`log_timestamp`, `seccomp_sandbox` of qemu.conf, on unless set). */
const BEHIND_INCOMING = /(?:^|\s)-(?:msg|sandbox) /;

/**
 * virtlogd may rotate in the middle of a command, also of a line of it. What is left in the first file does not tell whether the
 * QEMU waits for a migration. Commands in one line are of a libvirt that is too old to tell by their end.
 */
function isCut(text: string): boolean {
  return text === '' || (text.includes('\\\n') && !BEHIND_INCOMING.test(text)) || /\\\s*$/.test(text);
}
