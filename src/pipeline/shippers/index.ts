import { filebeat } from './filebeat.ts';
import { fluentBit } from './fluent-bit.ts';
import { otlp } from './otlp.ts';
import { plain } from './plain.ts';
import { rsyslog } from './rsyslog.ts';
import type { Shipper } from './shipper.ts';
import { syslogNg } from './syslog-ng.ts';
import { vector } from './vector.ts';

/** The programs whose messages are read. */
export const shippers: readonly Shipper[] = [filebeat, fluentBit, vector, otlp, rsyslog, syslogNg, plain];
