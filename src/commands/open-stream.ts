import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { KafkaSettings } from '../config/kafka.ts';
import { sizeBytes } from '../config/size.ts';
import { durationMs } from '../lib/duration.ts';
import type { Log } from '../lib/log.ts';
import { openEmbeddedStream } from '../stream/embedded.ts';
import type { KafkaOptions } from '../stream/kafka.ts';
import type { Stream } from '../stream/stream.ts';

/** The stream that a configuration asks for: Kafka, else the folder of this machine. @throws AppError where it cannot be opened. */
export async function openStream({ data, stream }: Pick<Config, 'data' | 'stream'>, log: Log | null): Promise<Stream> {
  if (stream.kafka !== null) {
    // only where it is asked for: it loads the native codecs
    const { openKafkaStream } = await import('../stream/kafka.ts');
    return openKafkaStream({ ...kafkaOptionsOf(stream.kafka), ...(log === null ? {} : { log }) });
  }
  return openEmbeddedStream({ folder: join(data, 'stream'), retention: retentionOf(stream) });
}

function retentionOf({ retention }: { readonly retention: KafkaSettings['retention'] }): KafkaOptions['retention'] {
  return { maxBytes: sizeBytes(retention.maxBytes), maxAgeMs: durationMs(retention.maxAge) };
}

function kafkaOptionsOf(settings: KafkaSettings): KafkaOptions {
  const { sasl, sessionTimeout } = settings;
  return {
    ...settings,
    sessionMs: durationMs(sessionTimeout),
    retention: retentionOf(settings),
    sasl: sasl === null ? null : loginOf(sasl),
  };
}

function loginOf(sasl: NonNullable<KafkaSettings['sasl']>): NonNullable<KafkaOptions['sasl']> {
  if (sasl.mechanism !== 'oauthbearer') return sasl;
  const { mechanism, tokenFile, tokenCommand = [] } = sasl;
  return tokenFile === undefined ? { mechanism, tokenCommand } : { mechanism, tokenFile };
}
