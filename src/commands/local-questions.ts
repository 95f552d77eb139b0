import { diagnose } from '../forensics/doctor.ts';
import { answerOf, type Questions } from '../forensics/questions.ts';
import { PROCESSORS_GROUP } from '../pipeline/processor.ts';
import type { Store } from '../store/store.ts';
import { RECORDS_TOPIC, type Stream } from '../stream/stream.ts';

/** What questions are answered from in this process. */
export interface LocalParts {
  readonly store: Store;
  readonly stream: Stream;
}

/** What a user's SQL may cost. */
const MAX_SECONDS = 30;
const MAX_MEMORY_BYTES = 2e9;

/** Answers from a store that this process has open. */
export function createLocalQuestions({ store, stream }: LocalParts): Questions {
  return {
    ask: (name, filter) => answerOf(store, name, filter),
    sql: (text, maxRows) => store.userQuery(text, { maxRows, maxSeconds: MAX_SECONDS, maxMemoryBytes: MAX_MEMORY_BYTES }),
    doctor: (filter) =>
      diagnose({ store, positions: () => stream.positions(RECORDS_TOPIC, PROCESSORS_GROUP), now: Date.now }, filter),
  };
}
