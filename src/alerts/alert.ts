import type { LiveFinding, LiveMigration, ToldFinding } from '../reports/saying.ts';
import type { CauseKind } from '../model/timeline.ts';

/** `pending`: its hold time is not over; `firing`: somebody has to know; `resolved`: it is over. */
export type AlertState = 'pending' | 'firing' | 'resolved';

/** Why an alert is not told to anybody. */
export interface Mute {
  /** `cause`: another alert says why it happens. */
  readonly by: 'cause' | 'silence' | 'maintenance';
  /** Id of the alert, silence or maintenance window. */
  readonly id: string;
  /** Why, in words: `storage heartbeat of kvm-a hangs (storage-heartbeat-spike)`. */
  readonly because: string;
}

/** Somebody takes care of it: nobody is told again until it is resolved, or worse. */
export interface Acknowledgement {
  readonly by: string;
  /** Unix ms. */
  readonly at: number;
  readonly comment: string;
}

/** What one finding says of an alert, as far as deciding needs it; without its words. */
export interface Said {
  /** Row of the finding. */
  readonly id: string;
  /** When the newest message about it was concluded, Unix ms; an older one changes nothing. */
  readonly at: number;
  readonly from: number;
  /** `null` while it goes on. */
  readonly to: number | null;
  /** The latest time of its lines. */
  readonly heardAt: number;
  readonly severity: LiveFinding['severity'];
  /** The migration that it is about; `null` where it is about a host. */
  readonly migration: string | null;
  readonly source: string | null;
  readonly destination: string | null;
  /** When that migration ended. */
  readonly endedAt: number | null;
  /** That migration failed or was aborted. */
  readonly broken: boolean;
  readonly cause: CauseKind | null;
  /** How much it tells of its migration (`src/reports/telling.ts`). */
  readonly telling: number;
  /** It says that the host resets itself. */
  readonly resets: boolean;
  /** Why it does not count any more; `null` while it does. */
  readonly over: 'withdrawn' | 'ended' | 'moved' | 'quiet' | null;
  /** The alert that says why it happens; `null` where none does. */
  readonly explainedBy: { readonly id: string; readonly because: string } | null;
}

/** A finding with its words. */
export interface Statement extends ToldFinding {
  /** Row of the finding. */
  readonly id: string;
}

/** What was told of an alert last. */
export interface Told {
  /** Id of the notification. */
  readonly notification: string;
  /** Unix ms. */
  readonly at: number;
  readonly state: 'firing' | 'resolved';
  readonly severity: LiveFinding['severity'];
  /** What that notification was. */
  readonly kind: 'firing' | 'resolved' | 'storm' | 'storm-over';
  /** Told as one of many, in the summary of a storm: its end is told with that of others, too. */
  readonly inStorm: boolean;
  /** Its migration had failed by then: one that is about to fail is told again when it has. */
  readonly broken: boolean;
}

/** A problem as people are told of it: one a detector and subject, however many findings say so. */
export interface Alert {
  /** Hash of cluster, detector and subject: the same in every run. */
  readonly id: string;
  readonly cluster: string;
  readonly detector: string;
  /** The VM of a migration, or the host, that it is about. */
  readonly subject: string;
  /** Source, destination and host of the finding: what concerns one of them concerns the alert. */
  readonly hosts: readonly string[];
  /** Alerts of one cluster with the same cause are told together; the same for a whole episode. */
  readonly group: string;
  readonly state: AlertState;
  /** Counts how often it began to fire; an alert that fires anew is told anew. */
  readonly episode: number;
  /** Row of the finding that is shown: the worst that still holds, of several the newest. */
  readonly findingId: string;
  readonly finding: LiveFinding;
  readonly migration: LiveMigration | null;
  /** The words of each record of evidence. */
  readonly quotes: readonly string[];
  /** What its findings say, the newest last, at most 20; those of earlier episodes are kept to know what comes again. */
  readonly said: readonly Said[];
  /** Up to two others that still hold, the best first: one of them is shown when the shown one does not hold any more. */
  readonly spare: readonly Statement[];
  /** Messages about findings that are not in `said` are old up to this time, Unix ms; `null` where all are. */
  readonly forgottenAt: number | null;
  /** How many findings this episode had: 3 failed attempts of one VM are one alert. */
  readonly count: number;
  /** When this episode's first finding came, Unix ms by the clock of the processor. */
  readonly since: number;
  /** When the newest finding came. */
  readonly seenAt: number;
  /** When it last became worse in this episode; `null` where it did not. */
  readonly worsenedAt: number | null;
  readonly firingAt: number | null;
  /** When people were first told of this episode. */
  readonly toldAt: number | null;
  readonly resolvedAt: number | null;
  /** Why it is over, in words; `null` while it is not. */
  readonly resolvedBecause: string | null;
  readonly muted: Mute | null;
  readonly acknowledged: Acknowledgement | null;
  /** `null` where nobody was told of this episode. */
  readonly told: Told | null;
}

/** Compares an alert's field with a value. */
export interface Matcher {
  readonly field: 'detector' | 'severity' | 'vm' | 'host' | 'cluster' | 'id';
  /** `=` and `!=` compare texts, `=~` and `!~` match the whole text against an expression. */
  readonly is: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** What a person did to alerts. */
export type AlertAction =
  | {
      readonly kind: 'acknowledge';
      readonly id: string;
      readonly by: string;
      /** Unix ms. */
      readonly at: number;
      readonly comment: string;
      readonly alert: string;
    }
  | {
      /** Alerts that all matchers match are not told between the two times. */
      readonly kind: 'silence';
      readonly id: string;
      readonly by: string;
      readonly at: number;
      readonly comment: string;
      readonly matchers: readonly Matcher[];
      readonly from: number;
      readonly until: number;
    }
  | {
      /** Ends a silence before its time. */
      readonly kind: 'expire';
      readonly id: string;
      readonly by: string;
      readonly at: number;
      readonly comment: string;
      readonly silence: string;
    };

/** A time in which work is done on a host or a cluster, so that what it causes alarms nobody. */
export interface Maintenance {
  readonly id: string;
  /** `null`: any. */
  readonly cluster: string | null;
  /** `null`: every host of the cluster. */
  readonly host: string | null;
  /** Unix ms. */
  readonly from: number;
  /** First instant after it; `Infinity` where nobody knows. */
  readonly until: number;
  readonly comment: string;
}

/** What is sent to people, once to each notifier. */
export interface Notification {
  /** The same whenever the same is told, so that a receiver can drop what it has. */
  readonly id: string;
  /** `storm`: too many to tell one by one, `alerts` are the worst of them; `storm-over`: they are told one by one again. */
  readonly kind: 'firing' | 'resolved' | 'storm' | 'storm-over' | 'test';
  readonly cluster: string;
  /** Key of a thread or an incident at the receiver: all that is told of one group has the same. */
  readonly group: string;
  /** Unix ms. */
  readonly at: number;
  /** What is new, the worst first. */
  readonly alerts: readonly Alert[];
  /** Others of the group that still fire and were told of before, the worst first. */
  readonly others: readonly Alert[];
  /** Alerts that this one's alerts explain, and that are therefore not told: the failed migrations of a host whose storage hangs. */
  readonly explains: readonly Alert[];
  /** Of a storm: how many alerts there are, by detector, the most frequent first; empty otherwise. */
  readonly counts: readonly { readonly detector: string; readonly alerts: number }[];
}
