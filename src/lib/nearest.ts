/** Beginnings shorter than this tell nothing. */
const TELLING_CHARS = 3;

/**
 * The name that was probably meant: at most a third of its characters differ (and always one may), or one is the beginning of the
 * other; `null` where none is so near.
 */
export function nearest(written: string, names: readonly string[]): string | null {
  const scored = names
    .map((name) => ({ name, distance: editDistance(written.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best] = scored;
  if (best === undefined) return null;
  if (best.distance <= Math.max(1, Math.floor(Math.max(written.length, best.name.length) / 3))) return best.name;
  return names.find((name) => begins(name, written) || begins(written, name)) ?? null;
}

function begins(text: string, start: string): boolean {
  return start.length >= TELLING_CHARS && text.startsWith(start);
}

/** Characters to insert, remove, replace or swap with their neighbour to make one of the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (last[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      const swaps = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? (beforeLast[j - 2] ?? replaced) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
