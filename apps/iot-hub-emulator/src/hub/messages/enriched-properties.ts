/** A property stamped on a message on its way to the endpoints of a set. */
export type StampedProperty = readonly [endpoints: number, key: string, value: string];

/**
 * A message's application properties as an endpoint gets them: what the device itself has given goes first.
 *
 * @param properties JSON text.
 * @param stamped JSON text of {@link StampedProperty} values, or null.
 * @param bit the endpoint's bit as a number.
 */
export function enrichedProperties(properties: string, stamped: string | null, bit: number): Record<string, string> {
  const own = JSON.parse(properties) as Record<string, string>;
  if (stamped === null) return own;
  const mine = (JSON.parse(stamped) as StampedProperty[]).filter(([endpoints]) => (endpoints & bit) !== 0);
  return { ...Object.fromEntries(mine.map(([, key, value]) => [key, value])), ...own };
}
