/** What the signals of a terminal or of systemd mean. */
export interface SignalActions {
  /** First SIGINT or SIGTERM: drain and end. */
  stop(signal: 'SIGINT' | 'SIGTERM'): void;
  /** A second one: end at once, with this status (130 or 143). By default the process exits. */
  abort?(status: number): void;
  /** SIGHUP: read the configuration anew. Without it SIGHUP stops, as it does to any program whose terminal goes away. */
  reload?(): void;
}

const STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Listens for signals, in the one place that does; returns what ends it. */
export function onSignals({ stop, abort = (status) => process.exit(status), reload }: SignalActions): () => void {
  let asked = false;

  function end(signal: 'SIGINT' | 'SIGTERM'): void {
    if (asked) return abort(STATUS[signal]);
    asked = true;
    stop(signal);
  }

  const onInterrupt = (): void => end('SIGINT');
  const onTerminate = (): void => end('SIGTERM');
  const onHangup = reload ?? ((): void => end('SIGTERM'));
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  process.on('SIGHUP', onHangup);
  return () => {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
    process.off('SIGHUP', onHangup);
  };
}
