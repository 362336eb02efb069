import type { RheaSession, RheaSettling } from './rhea-types.js';

const ACCEPTED = 0x24;

/**
 * Has rhea tell the outcomes of messages that are settled in one turn as they are: on its own it tells of the second what
 * is true of the first, so that a message that was refused may look accepted.
 */
export function settleApart({ incoming }: RheaSession): void {
  const process = incoming.process.bind(incoming);
  incoming.process = (session) => {
    const settled = incoming.updated;
    incoming.updated = [];
    for (let first = 0; first < settled.length;) {
      const end = endOfRun(settled, first);
      incoming.updated = settled.slice(first, end);
      process(session);
      first = end;
    }
    if (settled.length === 0) process(session);
  };
}

/** Only messages that were all accepted, and are all settled or all not, may share a disposition. */
function endOfRun(settled: RheaSettling['updated'], first: number): number {
  const isAccepted = (index: number) => settled[index]?.state?.descriptor.value === ACCEPTED;
  let end = first + 1;
  while (
    end < settled.length &&
    isAccepted(first) &&
    isAccepted(end) &&
    settled[end]?.settled === settled[first]?.settled
  )
    end += 1;
  return end;
}
