import type { HubMessage } from './hub-message.js';

/** A property stamped on a message on its way to the endpoints of a set. */
export type StampedProperty = readonly [endpoints: number, key: string, value: string];

/**
 * A message as an endpoint gets it: what the device itself has given goes before what it is stamped with.
 *
 * @param bit the endpoint's bit as a number.
 */
export function enriched(message: HubMessage, stamped: readonly StampedProperty[], bit: number): HubMessage {
  const mine = stamped.filter(([endpoints]) => (endpoints & bit) !== 0);
  if (mine.length === 0) return message;
  return {
    ...message,
    properties: { ...Object.fromEntries(mine.map(([, key, value]) => [key, value])), ...message.properties },
  };
}
