import fc from 'fast-check';

/** Bounds every property test: an unlucky run ends in seconds, and says its seed. `PRECOPY_RUNS=2000` looks harder. */
fc.configureGlobal({
  numRuns: Number(process.env['PRECOPY_RUNS'] ?? 100),
  interruptAfterTimeLimit: 5_000,
  markInterruptAsFailure: false,
});
