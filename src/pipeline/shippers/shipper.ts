import type { StreamMessage } from '../../stream/stream.ts';

/** What a program puts around the lines it ships; the name in the configuration. */
export const SHIPPER_FORMATS = ['filebeat', 'fluent-bit', 'vector', 'otlp-json', 'rsyslog', 'syslog-ng', 'plain'] as const;

/** One of `SHIPPER_FORMATS`. */
export type ShipperFormat = (typeof SHIPPER_FORMATS)[number];

/** Where in a file a line stands, as its shipper tells. */
export interface FilePlace {
  /** Names the file by its first bytes, whatever it is called: without that, an offset means another line after a rotation. */
  readonly content: string;
  /** Bytes of the file before the line. */
  readonly offset: number;
}

/** A line, or several that the shipper joined, without the last line break. */
export interface ShippedLine {
  readonly text: string;
  /** `null` where the message does not say. */
  readonly host: string | null;
  /** Of the file; `null` for a message that came by syslog, and where nothing says. */
  readonly path: string | null;
  /** Who wrote it, as syslog tells, with its process id where that is known: `libvirtd[812]`. */
  readonly program: string | null;
  /** When the shipper read it, or the program sent it, Unix ms; `null` where the message does not say. */
  readonly at: number | null;
  readonly place: FilePlace | null;
}

/** A message as a shipper sent it. */
export type ShippedMessage = Pick<StreamMessage, 'key' | 'headers' | 'value'>;

/** What a message holds, or why that cannot be told. */
export type ShippedLines = { readonly lines: readonly ShippedLine[] } | { readonly problem: string };

/** A message byte for byte as it is documented or was printed, and what it must give. */
export interface ShipperSample {
  readonly name: string;
  readonly message: { readonly key?: string; readonly headers?: Readonly<Record<string, string>>; readonly value: string };
  readonly lines: readonly ShippedLine[];
}

/** How the messages of one program read. */
export interface Shipper {
  readonly format: ShipperFormat;
  readonly title: string;
  /** Where its format is defined. */
  readonly reference: string;
  /** A configuration of the program that sends so, in `deploy/shippers`; `null` where there is no such program. */
  readonly configuration: string | null;
  read(message: ShippedMessage): ShippedLines;
  readonly samples: readonly ShipperSample[];
}
