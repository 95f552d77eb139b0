import type { KafkaMessage } from 'kafkajs';
import type { PlacedMessage } from '../stream.ts';

/** A message as kafkajs reads it → one of ours. What other programs may leave out is empty. */
export function placedMessage({ key, value, headers = {}, offset, timestamp }: KafkaMessage): PlacedMessage {
  return {
    key: key?.toString() ?? '',
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, headerText(text)])),
    value: value ?? new Uint8Array(0),
    offset: Number(offset),
    storedAt: Number(timestamp),
  };
}

/** A name that comes twice counts with its last value. */
function headerText(value: Buffer | string | readonly (Buffer | string)[] | undefined): string {
  const last = Array.isArray(value) ? value.at(-1) : value;
  return last === undefined ? '' : last.toString();
}
