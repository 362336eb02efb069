import type { Listening } from '../../hub/connections/device-connection.js';
import type { Identity } from '../../hub/identity.js';
import { type BagProperty, decodePropertyBag } from './property-bag.js';

/** What a device asks for by publishing to a topic. */
export type DevicePublish =
  | { readonly kind: 'telemetry'; readonly bag: readonly BagProperty[] }
  | { readonly kind: 'twin-get'; readonly requestId: string }
  | { readonly kind: 'twin-report'; readonly requestId: string }
  | { readonly kind: 'method-answer'; readonly requestId: string; readonly status: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** What a topic filter subscribes to: something the hub sends by itself, or the replies to the device's twin requests. */
export type Subscription = Listening | 'twin-replies';

const TWIN_GET = '$iothub/twin/GET/?';
const TWIN_REPORT = '$iothub/twin/PATCH/properties/reported/?';
const METHOD_ANSWER = /^\$iothub\/methods\/res\/(-?\d{1,10})\/\?(.*)$/s;

/**
 * Reads a topic a device published to. Identities stand in topics unescaped; everything but the device's own events
 * topic and the `$iothub` request topics is refused.
 *
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub
 */
export function parsePublishTopic(topic: string, identity: Identity): DevicePublish {
  // [MQTT-1.5.3-2]
  if (topic.includes('\0')) return refused('NUL in the topic');
  if (topic.startsWith(TWIN_GET)) return withRequestId(topic.slice(TWIN_GET.length), 'twin-get');
  if (topic.startsWith(TWIN_REPORT)) return withRequestId(topic.slice(TWIN_REPORT.length), 'twin-report');
  const answer = METHOD_ANSWER.exec(topic);
  if (answer) return methodAnswer(Number(answer[1]), answer[2] ?? '');
  return telemetry(topic, identity);
}

/** What a filter subscribes to, or undefined when it is none of the documented ones for this identity. */
export function parseFilter(filter: string, { deviceId, moduleId }: Identity): Subscription | undefined {
  switch (filter) {
    case '$iothub/methods/POST/#':
      return 'methods';
    case '$iothub/twin/PATCH/properties/desired/#':
      return 'desired';
    case '$iothub/twin/res/#':
      return 'twin-replies';
    default:
      // Cloud-to-device messages are for devices alone.
      return moduleId === undefined && filter === `devices/${deviceId}/messages/devicebound/#`
        ? 'cloud-to-device'
        : undefined;
  }
}

/** Whether a topic is the one a Will may go to: the device's own events topic, with or without properties. */
export const isEventsTopic = (topic: string, identity: Identity): boolean =>
  parsePublishTopic(topic, identity).kind === 'telemetry';

/** The topic of the answer to a twin request; `version` is the new one of the reported properties. */
export const twinReplyTopic = (status: number, requestId: string, version?: number): string =>
  `$iothub/twin/res/${status}/?$rid=${requestId}${version === undefined ? '' : `&$version=${version}`}`;

/** The topic telling a device that its desired properties changed. */
export const desiredTopic = (version: number): string => `$iothub/twin/PATCH/properties/desired/?$version=${version}`;

/** The topic of a method call. `requestId` has to be free of characters that need escaping. */
export const methodTopic = (methodName: string, requestId: string): string =>
  `$iothub/methods/POST/${methodName}/?$rid=${requestId}`;

/** The topic of a message to a device; `bag` is its properties, percent-encoded. */
export const deviceBoundTopic = (deviceId: string, bag: string): string =>
  `devices/${deviceId}/messages/devicebound/${bag}`;

function telemetry(topic: string, { deviceId, moduleId }: Identity): DevicePublish {
  const events = `devices/${deviceId}/${moduleId === undefined ? '' : `modules/${moduleId}/`}messages/events`;
  const rest = topic.startsWith(events) ? topic.slice(events.length) : undefined;
  if (rest === undefined || (rest !== '' && !rest.startsWith('/'))) {
    return refused(topic.startsWith('devices/') ? 'not an events topic of this device' : 'unknown topic');
  }
  // [MQTT-3.3.2-2]; the identity itself may hold a '#'.
  if (hasWildcard(rest)) return refused('wildcard in the topic');
  // Clients may end the topic with a slash, as the Node SDK does for a module's outputs; in a value it is escaped.
  const bag = decodePropertyBag(rest.slice(1).replace(/\/$/, ''));
  return bag ? { kind: 'telemetry', bag } : refused('properties are not percent-encoded');
}

function methodAnswer(status: number, query: string): DevicePublish {
  const parsed = withRequestId(query, 'method-answer');
  return parsed.kind === 'refused' ? parsed : { kind: 'method-answer', requestId: parsed.requestId, status };
}

/** The request id is the client's own text: echoed as it stands, never decoded. */
function withRequestId<K extends 'twin-get' | 'twin-report' | 'method-answer'>(
  query: string,
  kind: K,
): { kind: K; requestId: string } | { kind: 'refused'; reason: string } {
  if (hasWildcard(query)) return refused('wildcard in the topic');
  const requestId = query
    .split('&')
    .find((part) => part.startsWith('$rid='))
    ?.slice('$rid='.length);
  return requestId ? { kind, requestId } : refused('$rid is missing');
}

const hasWildcard = (text: string): boolean => text.includes('#') || text.includes('+');

const refused = (reason: string): { kind: 'refused'; reason: string } => ({ kind: 'refused', reason });
