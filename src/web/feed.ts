/** What `precopy tail` shows as it happens. */
export interface FeedItem {
  /** `line-event`: what a record means; the others: a row of that table changed. */
  readonly kind: 'event' | 'migration' | 'finding';
  /** Unix ms. */
  readonly at: number;
  /** As the documents of analyses have it. */
  readonly document: unknown;
}

/** Passes on what happens, and keeps nothing. */
export interface Feed {
  publish(item: FeedItem): void;
  /** Somebody wants events too, which come in thousands. */
  watched(): boolean;
  /** Calls back for each item until the returned function is called. */
  subscribe(listener: (item: FeedItem) => void): () => void;
}

/** A feed without listeners. */
export function createFeed(): Feed {
  const listeners = new Set<(item: FeedItem) => void>();
  return {
    publish(item) {
      for (const listener of listeners) listener(item);
    },
    watched: () => listeners.size > 0,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
