import type { JobCounters } from '../model/event.ts';

/** A job of which nothing is told: samples name what differs. */
export const NO_COUNTERS: JobCounters = {
  elapsedMs: null,
  remainingBytes: null,
  totalBytes: null,
  transferredBytes: null,
  copiedBytes: null,
  compressedBytes: null,
  compressionCacheBytes: null,
  dirtyRateBytesPerSecond: null,
  bandwidthBytesPerSecond: null,
  pass: null,
  downtimeMs: null,
  throttlePercent: null,
  postcopyRequests: null,
  errorText: null,
};
