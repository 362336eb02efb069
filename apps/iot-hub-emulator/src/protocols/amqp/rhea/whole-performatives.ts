import { types } from 'rhea';
import { MAX_LINKS } from './guard-performatives.js';
import type { RheaConnection } from './rhea-types.js';

/** Number of fields of each performative, by its descriptor. @see http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#section-performatives */
const FIELDS: ReadonlyMap<number, number> = new Map([
  [0x10, 10], // open
  [0x11, 8], // begin
  [0x12, 14], // attach
  [0x13, 11], // flow
  [0x14, 11], // transfer
  [0x15, 6], // disposition
  [0x16, 3], // detach
  [0x17, 1], // end
  [0x18, 1], // close
]);

/** Where the performatives that end something have their error, and how many fields that has. */
const ERROR_AT: ReadonlyMap<number, number> = new Map([
  [0x16, 2],
  [0x17, 0],
  [0x18, 0],
]);
const ERROR_FIELDS = 3;

const BEGIN = 0x11;
/** Where a begin says how many links its session may have. */
const HANDLE_MAX_AT = 4;

interface Performative {
  readonly value: unknown[];
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
}

interface FrameWriter {
  _write_frame(channel: number, performative: Performative | undefined, payload?: Buffer): void;
}

/**
 * Has rhea write each performative with all of its fields, null where there is nothing to say. AMQP allows to leave out the
 * last ones, as rhea does, but the clients of Azure's Python SDKs look for every field in its place, since the real
 * service always sends all of them.
 */
export function writeWholePerformatives(connection: RheaConnection): void {
  const writer = connection as unknown as FrameWriter;
  const write = writer._write_frame.bind(connection);
  writer._write_frame = (channel, performative, payload) => {
    if (performative !== undefined) complete(performative);
    write(channel, performative, payload);
  };
}

function complete({ value, constructor }: Performative): void {
  const descriptor = constructor.descriptor?.numeric ?? 0;
  const wanted = FIELDS.get(descriptor) ?? 0;
  while (value.length < wanted) value.push(null);
  // Null stands for the default, which those clients do not know.
  if (descriptor === BEGIN) value[HANDLE_MAX_AT] = types.wrap_uint(MAX_LINKS - 1);
  const at = ERROR_AT.get(descriptor);
  const error = at === undefined ? undefined : (value[at] as { readonly value?: unknown[] | null } | null | undefined);
  while (error?.value && error.value.length < ERROR_FIELDS) error.value.push(types.wrap(null));
}
