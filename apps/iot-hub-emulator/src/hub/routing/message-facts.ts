import type { Store } from '../../storage/store.js';
import { utcText } from '../clock.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { HubMessage } from '../messages/hub-message.js';
import { readJsonBody } from '../messages/json-body.js';
import { findIdentity } from '../registry/find-identity.js';
import type { RouteFacts } from './route-expression.js';
import { memberOf } from './route-values.js';

/** Readers of system properties by names in lower case. */
const SYSTEM_PROPERTIES: ReadonlyMap<string, (message: HubMessage) => string | undefined> = new Map([
  ['connectiondeviceid', ({ deviceId }) => deviceId],
  ['connectionmoduleid', ({ moduleId }) => moduleId],
  ['enqueuedtime', ({ enqueuedMs }) => utcText(enqueuedMs)],
  ['messageid', ({ systemProperties }) => systemProperties.messageId],
  ['correlationid', ({ systemProperties }) => systemProperties.correlationId],
  ['userid', ({ systemProperties }) => systemProperties.userId],
  ['to', ({ systemProperties }) => systemProperties.to],
  ['contenttype', ({ systemProperties }) => systemProperties.contentType],
  ['contentencoding', ({ systemProperties }) => systemProperties.contentEncoding],
  ['expirytimeutc', ({ systemProperties }) => systemProperties.expiryTimeUtc],
  ['creationtimeutc', ({ systemProperties }) => systemProperties.creationTimeUtc],
  ['dt-dataschema', ({ systemProperties }) => systemProperties.dataSchema ?? systemProperties.interfaceId],
  ['dt-subject', ({ systemProperties }) => systemProperties.subject],
]);

/** What conditions may ask of one message; body and twin are read when first asked for. */
export class MessageFacts implements RouteFacts {
  private readBody: { value: JsonValue | undefined } | undefined;
  private readTwin: { value: JsonObject | undefined } | undefined;

  constructor(
    private readonly message: HubMessage,
    private readonly store: Store,
  ) {}

  systemProperty(name: string): string | undefined {
    return SYSTEM_PROPERTIES.get(name)?.(this.message);
  }

  applicationProperty(name: string): string | undefined {
    return memberOf(this.message.properties, name);
  }

  get body(): JsonValue | undefined {
    this.readBody ??= { value: jsonValue(this.message) };
    return this.readBody.value;
  }

  get twin(): JsonObject | undefined {
    this.readTwin ??= { value: this.findTwin() };
    return this.readTwin.value;
  }

  private findTwin(): JsonObject | undefined {
    const row = findIdentity({ store: this.store }, this.message);
    if (row === undefined) return undefined;
    const { tags, desired, reported } = row;
    return {
      tags: JSON.parse(tags) as JsonObject,
      properties: { desired: JSON.parse(desired) as JsonObject, reported: JSON.parse(reported) as JsonObject },
    };
  }
}

function jsonValue({ body, systemProperties }: HubMessage): JsonValue | undefined {
  const json = readJsonBody(body, systemProperties);
  return 'value' in json ? json.value : undefined;
}
