/** Names of the codecs that Kafka knows. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** How batches of messages are compressed: one of `CODECS`. */
export type Codec = (typeof CODECS)[number];
