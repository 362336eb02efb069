import { ROUTE_SOURCES, type MessageSource } from '../messages/message-source.js';
import { readRouteCondition, type RouteCondition } from './route-condition.js';
import type { RouteFacts } from './route-expression.js';
import type { CheckedRouting } from './routing-config.js';

interface CompiledRoute extends RouteCondition {
  readonly endpoints: number;
}

/** The routes of one source. */
interface Branch {
  readonly routes: readonly CompiledRoute[];
  /** For what no route of the source takes. */
  readonly fallback?: CompiledRoute;
  /** The answer, where no condition needs to look at the message. */
  readonly constant?: number;
}

/**
 * Says where messages go. Every route that matches takes a message, its endpoint gets it once; the fallback takes
 * telemetry that no route matches.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-d2c
 */
export class Router {
  private readonly branches = new Map<MessageSource, Branch>();

  /** @param bitOf an endpoint's bit in a set of endpoints. */
  constructor(routing: CheckedRouting, bitOf: (endpointName: string) => number) {
    for (const [name, source] of Object.entries(ROUTE_SOURCES)) {
      const compile = ({ condition, endpointNames }: { condition: string; endpointNames: readonly [string] }) => ({
        ...readRouteCondition(condition),
        endpoints: bitOf(endpointNames[0]),
      });
      const routes = routing.routes.filter((route) => route.isEnabled && route.source === name).map(compile);
      const { fallbackRoute } = routing;
      const fallback = name === 'DeviceMessages' && fallbackRoute?.isEnabled ? compile(fallbackRoute) : undefined;
      const branch = { routes, ...(fallback && { fallback }) };
      const constant = [...routes, ...(fallback ? [fallback] : [])].every((route) => route.constant !== undefined);
      this.branches.set(source, { ...branch, ...(constant && { constant: decide(branch, NO_FACTS) }) });
    }
  }

  /** Whether a message of this source may go anywhere. */
  takes(source: MessageSource): boolean {
    return this.branches.get(source)?.constant !== 0;
  }

  /** The set of endpoints that get a message; 0 for none. `facts` is called only if a condition needs them. */
  endpointsOf(source: MessageSource, facts: () => RouteFacts): number {
    const branch = this.branches.get(source);
    if (branch === undefined) return 0;
    return branch.constant ?? decide(branch, facts());
  }
}

function decide({ routes, fallback }: Branch, facts: RouteFacts): number {
  let endpoints = 0;
  for (const route of routes) {
    // An endpoint that has the message already needs no second reason.
    if ((endpoints & route.endpoints) === 0 && route.holds(facts)) endpoints |= route.endpoints;
  }
  if (endpoints === 0 && fallback?.holds(facts)) return fallback.endpoints;
  return endpoints;
}

/** For conditions that ask nothing. */
const NO_FACTS: RouteFacts = {
  systemProperty: () => undefined,
  applicationProperty: () => undefined,
  body: undefined,
  twin: undefined,
};
