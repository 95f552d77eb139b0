/** A CloudStack instance name, in any release and with any `instance.name` suffix. */
export const VM_NAME = /\b(?:i-\d+-\d+|[rsv]-\d+)-[A-Za-z0-9]+\b/;

/** A MAC address in the usual notation; libvirt, QEMU, tcpdump and the bridge tools all print it in lower case. */
export const MAC = '[0-9a-f]{2}(?::[0-9a-f]{2}){5}';

/** A number, or `null` where the text is absent or is none. */
export function numberOf(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** A copy that does not keep the text it was cut from in memory. */
export function compact(text: string): string {
  return (' ' + text).slice(1);
}

/** A text up to its first line break. */
export function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}
