/**
 * Keeps Node's warning of negative timers from operators.
 *
 * kafkajs sets a timer to minus the time of day after each request that no broker throttles (its `requestQueue` counts from -1).
 * Node runs it at once, as meant, but Node 24 prints `TimeoutNegativeWarning` for the first.
 *
 * @param warner - The process.
 */
export function quietTimers(warner: Pick<NodeJS.Process, 'emitWarning'>): void {
  const warn = warner.emitWarning.bind(warner);
  warner.emitWarning = (warning: string | Error, ...kind: unknown[]): void => {
    if (kind[0] !== 'TimeoutNegativeWarning') Reflect.apply(warn, undefined, [warning, ...kind]);
  };
}
