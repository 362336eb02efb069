import type { StampedProperty } from '../messages/enriched-properties.js';
import type { RouteFacts } from './route-expression.js';
import { valueAt } from './route-values.js';
import type { CheckedRouting } from './routing-config.js';

interface Enrichment {
  readonly endpoints: number;
  readonly key: string;
  readonly value: (facts: RouteFacts) => string;
}

/**
 * Stamps messages with properties on their way to endpoints.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-message-enrichments-overview
 */
export class Enrichments {
  /** The endpoints whose messages are stamped. */
  readonly endpoints: number;
  private readonly enrichments: readonly Enrichment[];

  /** @param bitOf an endpoint's bit in a set of endpoints. */
  constructor(configured: CheckedRouting['enrichments'], hubName: string, bitOf: (endpointName: string) => number) {
    this.enrichments = (configured ?? []).map(({ key, value, endpointNames }) => ({
      endpoints: endpointNames.reduce((set, name) => set | bitOf(name), 0),
      key,
      value: valueOf(value, hubName),
    }));
    this.endpoints = this.enrichments.reduce((set, { endpoints }) => set | endpoints, 0);
  }

  /** What a message is stamped with that goes to these endpoints. */
  stamp(endpoints: number, facts: RouteFacts): StampedProperty[] {
    return this.enrichments
      .filter((enrichment) => (enrichment.endpoints & endpoints) !== 0)
      .map(({ endpoints: set, key, value }) => [set & endpoints, key, value(facts)]);
  }
}

/** A path that leads to nothing, or to an object, stands for itself. */
function valueOf(text: string, hubName: string): Enrichment['value'] {
  if (text.toLowerCase() === '$iothubname') return () => hubName;
  if (!/^\$twin\./i.test(text)) return () => text;
  const path = text.split('.').slice(1);
  return ({ twin }) => {
    const value = valueAt(twin, path);
    return value === undefined || value === null || typeof value === 'object' ? text : String(value);
  };
}
