/** A stretch of time, both ends included; Unix ms. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** The items that overlap a stretch, in the order of the list that they were indexed from. */
export type OverlapIndex<T> = (stretch: Stretch) => readonly T[];

/** Makes a list to be asked often what of it overlaps a time: a question costs as much as it finds, not as long as the list is. */
export function createOverlapIndex<T>(items: readonly T[], stretchOf: (item: T) => Stretch): OverlapIndex<T> {
  const entries = items.map((item, order) => ({ item, order, ...stretchOf(item) })).toSorted((a, b) => a.from - b.from);
  const latestEnds: number[] = [];
  for (const { to } of entries) latestEnds.push(Math.max(to, latestEnds.at(-1) ?? to));
  return ({ from, to }) => {
    const found: typeof entries = [];
    // backwards from the last that begins in time, until all that began before had ended
    for (let i = countUpTo(entries, to, ({ from: start }) => start) - 1; i >= 0 && (latestEnds[i] ?? 0) >= from; i -= 1) {
      const entry = entries[i];
      if (entry !== undefined && entry.to >= from) found.push(entry);
    }
    return found.toSorted((a, b) => a.order - b.order).map(({ item }) => item);
  };
}

/** How many of the items, in the order of their values, are not above the limit. */
export function countUpTo<T>(sorted: readonly T[], limit: number, valueOf: (item: T) => number): number {
  return countWhile(sorted, (item) => valueOf(item) <= limit);
}

/** How many items a list begins with of which this holds; after them it must hold of none. */
export function countWhile<T>(sorted: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = sorted[middle];
    if (item !== undefined && holds(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
