import { clockSkew } from './clock-skew.ts';
import { cpuIncompatible } from './cpu-incompatible.ts';
import { destinationDied } from './destination-died.ts';
import type { Detector } from './detector.ts';
import { downtimeExceeded } from './downtime-exceeded.ts';
import { hostOverheated } from './host-overheated.ts';
import { migrationAborted } from './migration-aborted.ts';
import { migrationFailed } from './migration-failed.ts';
import { missingGarp } from './missing-garp.ts';
import { networkInterrupted } from './network-interrupted.ts';
import { notConverging } from './not-converging.ts';
import { postCopy } from './post-copy.ts';
import { splitBrainRisk } from './split-brain-risk.ts';
import { storageHeartbeatSpike } from './storage-heartbeat-spike.ts';
import { unencryptedStream } from './unencrypted-stream.ts';
import { versionMismatch } from './version-mismatch.ts';

/** Every detector. */
export const detectors: readonly Detector[] = [
  clockSkew,
  cpuIncompatible,
  destinationDied,
  downtimeExceeded,
  hostOverheated,
  migrationAborted,
  migrationFailed,
  missingGarp,
  networkInterrupted,
  notConverging,
  postCopy,
  splitBrainRisk,
  storageHeartbeatSpike,
  unencryptedStream,
  versionMismatch,
];
