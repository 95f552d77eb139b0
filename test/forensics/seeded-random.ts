/** Chance that is the same in every run. */
export interface Random {
  /** A whole number from 0 to just below it. */
  below(limit: number): number;
  /** True in this share of cases. */
  chance(share: number): boolean;
  of<T>(items: readonly T[]): T;
}

/** Chance from a seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (limit) => Math.floor(next() * limit),
    chance: (share) => next() < share,
    of(items) {
      const found = items[Math.floor(next() * items.length)];
      if (found === undefined) throw new Error('nothing to choose from');
      return found;
    },
  };
}
