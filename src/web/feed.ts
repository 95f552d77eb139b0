/** What `precopy tail` shows as it happens. */
export interface FeedItem {
  /** `event`: what a record means; the others: a row of that table changed. */
  readonly kind: 'event' | 'migration' | 'finding';
  /** Unix ms. */
  readonly at: number;
  /** The VM and the hosts it is about, by which a follower may choose. */
  readonly vm: string | null;
  readonly hosts: readonly string[];
  /** As the documents of analyses have it. */
  readonly document: unknown;
  /** Of a finding: the words of each record of evidence, without time and logger. */
  readonly quotes?: readonly string[];
}

/** What a follower wants to be told. */
export interface Interest {
  /** Events too, which come in thousands. */
  readonly events: boolean;
  /** Of one VM, of one host; `null`: of all. */
  readonly vm: string | null;
  readonly host: string | null;
}

/** Passes on what happens, and keeps nothing. */
export interface Feed {
  publish(item: FeedItem): void;
  /** Somebody wants events: only then they need to be published. */
  wantsEvents(): boolean;
  /** Calls back for each item that is of interest until the returned function is called. */
  subscribe(interest: Interest, listener: (item: FeedItem) => void): () => void;
}

/** A feed without listeners. */
export function createFeed(): Feed {
  const listeners = new Map<(item: FeedItem) => void, Interest>();
  return {
    publish(item) {
      for (const [listener, interest] of listeners) if (isOfInterest(item, interest)) listener(item);
    },
    wantsEvents: () => [...listeners.values()].some(({ events }) => events),
    subscribe(interest, listener) {
      const own = (item: FeedItem): void => listener(item);
      listeners.set(own, interest);
      return () => void listeners.delete(own);
    },
  };
}

function isOfInterest({ kind, vm, hosts }: FeedItem, interest: Interest): boolean {
  if (kind === 'event' && !interest.events) return false;
  return (interest.vm === null || interest.vm === vm) && (interest.host === null || hosts.includes(interest.host));
}
