import { message as rheaMessage, types } from 'rhea';

/** A message as rhea reads it. Its fields are what the client sent: of any type until looked at. */
export interface AmqpMessage {
  readonly message_id?: unknown;
  readonly correlation_id?: unknown;
  readonly user_id?: unknown;
  readonly to?: unknown;
  readonly reply_to?: unknown;
  readonly subject?: unknown;
  readonly content_type?: unknown;
  readonly content_encoding?: unknown;
  readonly absolute_expiry_time?: unknown;
  /** Milliseconds. */
  readonly ttl?: unknown;
  readonly creation_time?: unknown;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
  readonly delivery_annotations?: Readonly<Record<string, unknown>>;
  /** A data section is `{typecode: 0x75, content, multiple}`; a value section is the value itself. */
  readonly body?: unknown;
}

const DATA_SECTION = 0x75;
const UUID_BYTES = 16;
const ULONG_BYTES = 8;

/** The body's bytes: of data sections, or of a value that is binary or text. Undefined for any other body. */
export function bodyBytes({ body }: AmqpMessage): Buffer | undefined {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === 'string') return Buffer.from(body);
  const sections = dataSections({ body });
  return sections && Buffer.concat(sections);
}

/** The bytes of each of the data sections that the body consists of. Undefined for any other body. */
export function dataSections({ body }: AmqpMessage): Buffer[] | undefined {
  if (typeof body !== 'object' || body === null || !('typecode' in body) || body.typecode !== DATA_SECTION)
    return undefined;
  const content = 'content' in body ? body.content : undefined;
  const sections: unknown[] = Array.isArray(content) ? content : [content];
  return sections.every((section) => Buffer.isBuffer(section)) ? sections : undefined;
}

/** A body of one data section, in rhea's form. */
export const dataBody = (bytes: Uint8Array): object => rheaMessage.data_section(Buffer.from(bytes)) as object;

/** The body as text; undefined when it is none. */
export const bodyText = (message: AmqpMessage): string | undefined => bodyBytes(message)?.toString('utf8');

/** A field or property as text, as IoT Hub keeps them; undefined when it is not there or has no text form. */
export function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
      if (Buffer.isBuffer(value)) return value.length === UUID_BYTES ? uuidText(value) : value.toString('utf8');
      return undefined;
    default:
      return undefined;
  }
}

/** The properties section, by the names that the hub has for them, to a device and from one alike; undefined where there is none. */
export const propertiesOf = (message: AmqpMessage) => ({
  messageId: textOf(message.message_id),
  correlationId: textOf(message.correlation_id),
  userId: textOf(message.user_id),
  to: textOf(message.to),
  contentType: textOf(message.content_type),
  contentEncoding: textOf(message.content_encoding),
  expiryTimeUtc: textOf(message.absolute_expiry_time),
  creationTimeUtc: textOf(message.creation_time),
});

/** A message id or correlation id to send back: of the type it came in. 0 is one too. */
export function echoedId(id: unknown): unknown {
  if (!Buffer.isBuffer(id) || id.length === UUID_BYTES) return id;
  return id.length === ULONG_BYTES ? types.wrap_ulong(id) : types.wrap_binary(id);
}

const uuidText = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
