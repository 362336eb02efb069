/** A property of a message. `null` is a key without `=`, as IoT Hub writes a null value. */
export type BagProperty = readonly [key: string, value: string | null];

/**
 * Reads the property bag that ends an MQTT topic: `&`-joined, percent-encoded on both sides of the first `=`.
 *
 * @returns undefined when the percent encoding is broken
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub#sending-device-to-cloud-messages
 */
export function decodePropertyBag(text: string): BagProperty[] | undefined {
  try {
    const properties: BagProperty[] = [];
    for (const part of text.split('&')) {
      const equals = part.indexOf('=');
      if (equals >= 0) properties.push([decode(part.slice(0, equals)), decode(part.slice(equals + 1))]);
      else if (part !== '') properties.push([decode(part), null]);
    }
    return properties;
  } catch {
    return undefined;
  }
}

/** Most names and values are as they are: looking for a percent sign is far cheaper than decoding. */
const decode = (text: string): string => (text.includes('%') ? decodeURIComponent(text) : text);

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
