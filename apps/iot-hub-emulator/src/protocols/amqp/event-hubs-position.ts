import { HubError } from '../../hub/errors/hub-errors.js';
import type { EventPosition } from '../../hub/events/event-position.js';

/** Descriptor of a filter that is a selector: as number, and by name. @see https://svn.apache.org/repos/asf/qpid/trunk/qpid/specs/apache-filters.xml */
const SELECTOR_CODE = 0x468c00000004;
const SELECTOR_NAME = 'apache.org:selector-filter:string';

/** What a selector may compare. The last name is one of older clients. */
const COMPARED: ReadonlyMap<string, 'offset' | 'sequenceNumber' | 'enqueuedTime'> = new Map([
  ['x-opt-offset', 'offset'],
  ['x-opt-sequence-number', 'sequenceNumber'],
  ['x-opt-enqueued-time', 'enqueuedTime'],
  ['x-opt-enqueuedtimeutc', 'enqueuedTime'],
]);

const SELECTOR = /^amqp\.annotation\.([\w-]+)\s*(>=|>)\s*(?:'([^']*)'|([^\s']+))$/i;

interface DescribedFilter {
  readonly descriptor?: { readonly value?: unknown };
  readonly value?: unknown;
}

/**
 * Where a receiver's filter says to begin; without a filter, at the oldest event.
 *
 * @param filter the filter of the link's source, by names that clients choose.
 * @throws {@link HubError} `ArgumentInvalid` for a filter that is none of a position.
 * @see https://learn.microsoft.com/azure/event-hubs/event-hubs-amqp-protocol-guide
 */
export function readPositionFilter(filter: unknown): EventPosition {
  const filters = Object.values((filter ?? {}) as Record<string, DescribedFilter | null>);
  if (filters.length === 0) return { kind: 'earliest' };
  const [selector] = filters;
  const descriptor = selector?.descriptor?.value;
  const isSelector = descriptor === SELECTOR_CODE || descriptor === SELECTOR_NAME;
  if (filters.length > 1 || !isSelector || typeof selector?.value !== 'string') {
    throw invalid('A receiver takes one filter, a selector of a position.');
  }
  return readSelector(selector.value);
}

function readSelector(text: string): EventPosition {
  const [, name = '', operator, quoted, bare] = SELECTOR.exec(text.trim()) ?? [];
  const kind = COMPARED.get(name.toLowerCase());
  const value = quoted ?? bare ?? '';
  if (kind === undefined) {
    throw invalid(
      `The filter ${JSON.stringify(text)} is none: compare amqp.annotation.x-opt-offset, x-opt-sequence-number or x-opt-enqueued-time by > or >= with a value.`,
    );
  }
  if (kind === 'offset' && value.toLowerCase() === '@latest') return { kind: 'latest' };
  if (!/^-?\d{1,16}$/.test(value)) throw invalid(`The supplied position ${JSON.stringify(value)} is no number.`);
  if (kind !== 'enqueuedTime' && Number(value) < 0) return { kind: 'earliest' };
  return { kind, value: Number(value), isInclusive: operator === '>=' };
}

const invalid = (message: string): HubError => new HubError('ArgumentInvalid', message);
