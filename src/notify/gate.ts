/** Lets so many through at once; the others wait in their order. */
export interface Gate {
  through<T>(work: () => Promise<T>): Promise<T>;
}

/** A gate for at most so many. */
export function createGate(most: number): Gate {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return {
    async through(work) {
      if (inside >= most) await new Promise<void>((next) => waiting.push(next));
      else inside += 1;
      try {
        return await work();
      } finally {
        // who leaves hands its place on
        const next = waiting.shift();
        if (next === undefined) inside -= 1;
        else next();
      }
    },
  };
}
