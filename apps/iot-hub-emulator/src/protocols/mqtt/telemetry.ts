import type { DeviceMessage, MessageSystemProperties } from '../../hub/messages/device-message.js';
import type { BagProperty } from './property-bag.js';

/** System properties by their names in a property bag. Everything else in a bag is an application property. */
const SYSTEM_PROPERTIES: ReadonlyMap<string, keyof MessageSystemProperties> = new Map([
  ['$.mid', 'messageId'],
  ['$.cid', 'correlationId'],
  ['$.uid', 'userId'],
  ['$.to', 'to'],
  ['$.ct', 'contentType'],
  ['$.ce', 'contentEncoding'],
  ['$.exp', 'expiryTimeUtc'],
  ['$.ifid', 'interfaceId'],
  ['$.sub', 'subject'],
  ['$.on', 'outputName'],
  ['iothub-creation-time-utc', 'creationTimeUtc'],
]);

/**
 * The message a PUBLISH to an events topic stands for. A key without value counts as empty text; of a key that comes
 * twice, the last one.
 *
 * @param marks application properties the hub itself adds
 */
export function toDeviceMessage(
  bag: readonly BagProperty[],
  body: Uint8Array,
  marks: readonly BagProperty[] = [],
): DeviceMessage {
  const systemProperties: MessageSystemProperties = {};
  const properties: Record<string, string> = {};
  for (const [key, value] of marks.length === 0 ? bag : [...bag, ...marks]) {
    const systemProperty = SYSTEM_PROPERTIES.get(key);
    if (systemProperty) systemProperties[systemProperty] = value ?? '';
    else if (key === '__proto__') Object.defineProperty(properties, key, { ...OWN, value: value ?? '' });
    else properties[key] = value ?? '';
  }
  return { body, systemProperties, properties };
}

/** A property called __proto__ is a property and nothing else; only this makes one. */
const OWN = { configurable: true, enumerable: true, writable: true };

/** Set when a message came with RETAIN: IoT Hub keeps no retained messages, it only says so. */
export const RETAIN_MARK: BagProperty = ['mqtt-retain', 'true'];

/** Set on a Will that is sent because its device went away without a DISCONNECT. */
export const WILL_MARK: BagProperty = ['iothub-MessageType', 'Will'];
