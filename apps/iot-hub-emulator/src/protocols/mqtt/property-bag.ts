/** A property of a message. `null` is a key without `=`, as IoT Hub writes a null value. */
export type BagProperty = readonly [key: string, value: string | null];

/**
 * Reads the property bag that ends an MQTT topic: `&`-joined, percent-encoded on both sides of the first `=`.
 *
 * @returns undefined when the percent encoding is broken
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub#sending-device-to-cloud-messages
 */
export function decodePropertyBag(text: string): BagProperty[] | undefined {
  if (text === '') return [];
  try {
    return text
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const equals = part.indexOf('=');
        return equals < 0
          ? ([decodeURIComponent(part), null] as const)
          : ([decodeURIComponent(part.slice(0, equals)), decodeURIComponent(part.slice(equals + 1))] as const);
      });
  } catch {
    return undefined;
  }
}

/**
 * Writes a property bag for a topic. Slashes come out as `%2F`, since the Node SDK reads one topic segment only;
 * unpaired surrogates, which have no UTF-8 form, become U+FFFD.
 */
export function encodePropertyBag(properties: Iterable<BagProperty>): string {
  return Array.from(properties, ([key, value]) => {
    const name = encodeURIComponent(key.toWellFormed());
    return value === null ? name : `${name}=${encodeURIComponent(value.toWellFormed())}`;
  }).join('&');
}
