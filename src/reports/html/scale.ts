/** From a value to a place in a drawing. */
export type Scale = (value: number) => number;

/** A straight scale; where the domain is a single value, everything is at the beginning. */
export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [from, to] = domain;
  const [start, end] = range;
  return (value) => (to === from ? start : start + ((value - from) / (to - from)) * (end - start));
}

/** Round values from 0 to the largest or just above it, at most so many: 0, 20, 40, 60. The last one is where the axis ends. */
export function roundTicks(largest: number, most: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(Math.max(largest, Number.MIN_VALUE) / most));
  return ticksBy(
    [1, 2, 5, 10, 20, 50].map((factor) => factor * power),
    largest,
    most,
  );
}

/** The same for bytes: steps are powers of two, so that they read as whole MiB and GiB. */
export function byteTicks(largest: number, most: number): readonly number[] {
  const power = 2 ** Math.floor(Math.log2(Math.max(largest, 1) / most));
  return ticksBy(
    [1, 2, 4, 8].map((factor) => factor * power),
    largest,
    most,
  );
}

function ticksBy(steps: readonly number[], largest: number, most: number): readonly number[] {
  if (!(largest > 0) || !Number.isFinite(largest)) return [0, 1];
  const step = steps.find((each) => each > 0 && Math.ceil(largest / each) < most) ?? largest;
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
