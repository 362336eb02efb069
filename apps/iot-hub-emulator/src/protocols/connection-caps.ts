import type { EventEmitter } from 'node:events';

/** Connections at a time, of all clients together. */
const MAX_CONNECTIONS = 20_000;
/** Connections at a time from one address that have not proven who they are: room for a fleet on one machine that comes back. */
export const MAX_UNPROVEN_PER_ADDRESS = 1_000;

export interface Caps {
  readonly connections: number;
  readonly unprovenPerAddress: number;
}

export const DEFAULT_CAPS: Caps = { connections: MAX_CONNECTIONS, unprovenPerAddress: MAX_UNPROVEN_PER_ADDRESS };

/** Why a connection is not taken in. */
export interface CapRefusal {
  readonly error: 'TooManyConnections' | 'TooManyUnprovenConnections';
  readonly reason: string;
  /** Whether the log does not know of the address yet: thousands of such lines would help nobody. */
  readonly isNews: boolean;
}

/** Addresses to remember having told of. */
const MAX_TOLD = 10_000;

const PROVEN = 'proven';

/** Protocols say so when the client on a connection has proven who it is. */
export function markProven(socket: EventEmitter | undefined): void {
  socket?.emit(PROVEN);
}

/** Calls a function once the client of a connection has proven who it is. */
export function onProven(socket: EventEmitter, listener: () => void): void {
  socket.once(PROVEN, listener);
}

/**
 * Counts connections, so that nobody takes all there are: in total, and those that have proven nothing by address.
 * Whoever has proven who it is counts no longer for its address.
 */
export class ConnectionCaps {
  private total = 0;
  private readonly unproven = new Map<string, number>();
  /** Addresses that have been told of in the log since they were last below their cap. */
  private readonly told = new Set<string>();

  constructor(private readonly caps: Caps) {}

  /** Takes a connection in. @returns which cap it is above, if it is. */
  admit(address: string): CapRefusal | undefined {
    const unproven = this.unproven.get(address) ?? 0;
    if (this.total >= this.caps.connections) {
      return this.refusal(address, 'TooManyConnections', `there are ${this.total} connections`);
    }
    if (unproven >= this.caps.unprovenPerAddress) {
      const reason = `${unproven} connections of this address have not authenticated`;
      return this.refusal(address, 'TooManyUnprovenConnections', reason);
    }
    this.total += 1;
    this.unproven.set(address, unproven + 1);
    return undefined;
  }

  /** A connection of this address has proven who it is, or is gone without. Once a connection. */
  settle(address: string): void {
    const left = (this.unproven.get(address) ?? 1) - 1;
    if (left > 0) this.unproven.set(address, left);
    else this.unproven.delete(address);
    if (left < this.caps.unprovenPerAddress / 2) this.told.delete(address);
  }

  /** A connection is gone, proven or not. */
  leave(): void {
    this.total -= 1;
  }

  private refusal(address: string, error: CapRefusal['error'], reason: string): CapRefusal {
    const isNews = !this.told.has(address);
    if (this.told.size >= MAX_TOLD) this.told.clear();
    this.told.add(address);
    return { error, reason, isNews };
  }
}
