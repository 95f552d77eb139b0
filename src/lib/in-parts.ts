/** Consecutive items, cut so that each part measures at most `most`; an item that measures more stands alone. */
export function inParts<T>(items: readonly T[], most: number, measure: (item: T) => number): readonly (readonly T[])[] {
  const parts: T[][] = [];
  let room = -1;
  for (const item of items) {
    const size = measure(item);
    if (size > room || parts.length === 0) {
      parts.push([]);
      room = most;
    }
    parts.at(-1)?.push(item);
    room -= size;
  }
  return parts;
}
