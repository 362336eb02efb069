import { HubError } from '../errors/hub-errors.js';

/** Most readers without epoch of one partition and consumer group. @see https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas */
const MAX_READERS = 5;

/** A reader's claim on a partition, for one consumer group. */
export interface ReaderClaim {
  /** Owner level. Absent for a reader that shares the partition. */
  readonly epoch?: bigint | undefined;
  /** What the client calls the reader, for messages. */
  readonly name: string;
  /** Called when another reader's claim goes before this one, which has no claim any more then. */
  readonly evict: (reason: HubError) => void;
}

/**
 * Who reads a partition for a consumer group: either one reader with an epoch, or a few without.
 *
 * @see https://learn.microsoft.com/archive/blogs/gyan/event-hubs-receiver-epoch
 */
export class ReaderOwnership {
  private readonly claims = new Map<string, Set<ReaderClaim>>();

  /**
   * Lets a reader in, and evicts those that it goes before: a reader of the same or a lower epoch, and readers without.
   *
   * @returns a function that gives the claim up.
   * @throws {@link HubError} `ReceiverDisconnected` when a reader with a higher epoch, or for a reader without epoch one
   *   with any, is there; `ReceiverQuotaExceeded` for the sixth reader without epoch.
   */
  claim(group: string, partitionId: number, claim: ReaderClaim): () => void {
    const key = `${partitionId} ${group}`;
    const present = this.claims.get(key) ?? new Set();
    const owner = [...present].find(({ epoch }) => epoch !== undefined);
    if (claim.epoch === undefined) admitShared(present, owner);
    else admitOwner(claim, owner);
    const evicted = claim.epoch === undefined ? [] : [...present];
    for (const other of evicted) present.delete(other);
    present.add(claim);
    this.claims.set(key, present);
    for (const other of evicted) other.evict(evictionOf(other, claim));
    return () => {
      present.delete(claim);
      if (present.size === 0 && this.claims.get(key) === present) this.claims.delete(key);
    };
  }
}

function admitShared(present: ReadonlySet<ReaderClaim>, owner: ReaderClaim | undefined): void {
  if (owner?.epoch !== undefined) throw sharedRefusal(owner.epoch);
  if (present.size < MAX_READERS) return;
  const names = Array.from(present, ({ name }) => name).join(', ');
  throw new HubError(
    'ReceiverQuotaExceeded',
    `A partition takes ${MAX_READERS} receivers of a consumer group at once. Connected now: ${names}. Close one of them, or use a consumer group of your own.`,
  );
}

function admitOwner(claim: ReaderClaim, owner: ReaderClaim | undefined): void {
  if (owner?.epoch === undefined || claim.epoch === undefined || owner.epoch <= claim.epoch) return;
  throw new HubError(
    'ReceiverDisconnected',
    `Receiver '${owner.name}' with a higher epoch '${owner.epoch}' already exists. Receiver '${claim.name}' with epoch ${claim.epoch} cannot be created: use a rising epoch, or close the older receiver first.`,
  );
}

function evictionOf(evicted: ReaderClaim, by: ReaderClaim): HubError {
  if (evicted.epoch === undefined) return sharedRefusal(by.epoch);
  return new HubError(
    'ReceiverDisconnected',
    `New receiver '${by.name}' with higher epoch of '${by.epoch ?? ''}' is created, hence current receiver '${evicted.name}' with epoch '${evicted.epoch}' is disconnected. A receiver that is made again needs a higher epoch.`,
  );
}

const sharedRefusal = (epoch: bigint | undefined): HubError =>
  new HubError(
    'ReceiverDisconnected',
    `A receiver with epoch '${epoch ?? ''}' reads this partition for the consumer group, so a non-epoch receiver is not allowed: use an epoch too, or close the other one.`,
  );
