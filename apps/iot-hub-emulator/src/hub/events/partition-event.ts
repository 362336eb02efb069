import { NEVER } from '../clock.js';
import type { HubMessage } from '../messages/hub-message.js';

/** A message as readers of the built-in endpoint get it. */
export interface PartitionEvent extends HubMessage {
  /** Rising by one within the partition, from 0. */
  readonly sequenceNumber: number;
  /** Rising within the partition, with gaps; never that of another event of the hub. */
  readonly offset: number;
}

/** The time of what has never been: 0001-01-01T00:00:00Z. */
export const NEVER_MS = Date.parse(NEVER);
