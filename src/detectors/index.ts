import { cpuIncompatible } from './cpu-incompatible.ts';
import type { Detector } from './detector.ts';
import { notConverging } from './not-converging.ts';

/** Every detector. */
export const detectors: readonly Detector[] = [cpuIncompatible, notConverging];
