import type { RheaSession, RheaSettled } from './rhea-types.js';

const ACCEPTED = 0x24;

/**
 * Has rhea tell the outcomes of messages that are settled in one turn as they are, of those received and of those sent: on
 * its own it tells of the second what is true of the first, so that a message that was refused may look accepted.
 */
export function settleApart({ incoming, outgoing }: RheaSession): void {
  const processIncoming = incoming.process.bind(incoming);
  incoming.process = (session) => {
    const settled = incoming.updated;
    incoming.updated = [];
    for (const run of runsOf(settled)) {
      incoming.updated = run;
      processIncoming(session);
    }
    if (settled.length === 0) processIncoming(session);
  };
  const processOutgoing = outgoing.process.bind(outgoing);
  outgoing.process = () => {
    const settled = outgoing.pending_dispositions;
    outgoing.pending_dispositions = [];
    processOutgoing();
    for (const run of runsOf(settled)) {
      outgoing.pending_dispositions = run;
      processOutgoing();
    }
  };
}

/** Pieces of which rhea may tell together, since all in one are alike. */
function* runsOf(settled: readonly RheaSettled[]): Generator<RheaSettled[]> {
  let run: RheaSettled[] = [];
  for (const next of settled) {
    if (run[0] && !areAlike(run[0], next)) {
      yield run;
      run = [];
    }
    run.push(next);
  }
  if (run.length > 0) yield run;
}

/** Both accepted, or both without an outcome, and both settled or not. */
function areAlike(one: RheaSettled, other: RheaSettled): boolean {
  const [a, b] = [one, other].map(({ state }) => state?.descriptor.value);
  return one.settled === other.settled && a === b && (a === ACCEPTED || a === undefined);
}
