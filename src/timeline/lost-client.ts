import type { Cause } from '../model/timeline.ts';
import { CLIENT_GONE } from './causes.ts';
import type { Facts } from './facts.ts';
import { hostOf, ofKind } from './of-kind.ts';

/** Both daemons lose one client within this, if clocks agree. */
const LOST_TOGETHER_MS = 2000;

/**
 * The daemons lost the client at the same moment: what held both connections is gone. Only where nobody was told of an end, as a
 * client that lives always is.
 */
export function byLostClient({ attempt, clientErrors, threadEnded, texts }: Facts): Cause | null {
  if (clientErrors.length > 0 || threadEnded !== undefined) return null;
  const { events, source, destination } = attempt;
  const daemons = [source, destination].map((host) =>
    texts.filter(({ event }) => event.body.kind === 'daemon-message' && hostOf(event) === host),
  );
  const lost = daemons.map((said) => said.find(({ text }) => CLIENT_GONE.test(text))?.event);
  const evidence = lost.filter((event) => event !== undefined);
  const [here, there] = lost;
  const together = here !== undefined && there !== undefined && Math.abs(here.at - there.at) <= LOST_TOGETHER_MS;
  // of one daemon alone it could be any client
  const alone =
    evidence.length === 1 &&
    ofKind(events, 'migrate-requested').length > 0 &&
    daemons.every((said, i) => said.length === 0 || lost[i] !== undefined);
  if (!together && !alone) return null;
  const who = together ? 'both libvirt daemons lost it at the same moment' : 'libvirt lost it, and nobody was told of an end';
  return {
    kind: 'agent-ended',
    text: `the client that drove it, CloudStack's agent on the source, went away: ${who}`,
    certainty: 'follows',
    evidence,
  };
}
