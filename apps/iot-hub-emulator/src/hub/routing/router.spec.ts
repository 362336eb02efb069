import { aLoggedMessage } from '../../../test-support/log-messages.js';
import { Store } from '../../storage/store.js';
import type { HubMessage } from '../messages/hub-message.js';
import { MessageFacts } from './message-facts.js';
import { Router } from './router.js';
import { DEFAULT_ROUTING, routingSchema, type IotHubRouting } from './routing-config.js';

const BITS: Readonly<Record<string, number>> = { events: 1, cold: 2, hot: 4 };

const route = (name: string, condition: string, endpoint: string, more: object = {}) => ({
  name,
  source: 'DeviceMessages' as const,
  condition,
  endpointNames: [endpoint] as [string],
  isEnabled: true,
  ...more,
});
const fallbackRoute = {
  name: '$fallback',
  source: 'DeviceMessages' as const,
  condition: 'true',
  endpointNames: ['events'] as [string],
  isEnabled: true,
};

describe(Router.name, () => {
  let store: Store;
  beforeEach(() => {
    store = new Store(':memory:');
  });
  afterEach(() => {
    store.close();
  });

  const routerOf = (routing: IotHubRouting) =>
    new Router(routingSchema(['cold', 'hot']).parse(routing), (name) => BITS[name] ?? 0);
  /** The names of the endpoints that get the message. */
  const goesTo = (routing: IotHubRouting, parts: Partial<HubMessage> = {}) => {
    const message = aLoggedMessage(parts);
    const endpoints = routerOf(routing).endpointsOf(message.source, () => new MessageFacts(message, store));
    return Object.keys(BITS).filter((name) => (endpoints & (BITS[name] ?? 0)) !== 0);
  };

  it('follows every route that matches, to each endpoint once', () => {
    const routes = [
      route('a', 'true', 'events'),
      route('b', '$body.level > 0', 'hot'),
      route('c', "$connectionDeviceId = 'd1'", 'hot'),
      route('d', '$body.level > 5', 'cold'),
    ];
    expect(goesTo({ routes })).toEqual(['events', 'hot']);
  });

  it('falls back for telemetry that no route takes, and for nothing else', () => {
    const routes = [route('a', '$body.level > 5', 'hot')];
    expect(goesTo({ routes, fallbackRoute })).toEqual(['events']);
    expect(goesTo({ routes, fallbackRoute }, { body: Buffer.from('{"level":6}') })).toEqual(['hot']);
    expect(goesTo({ routes, fallbackRoute }, { source: 'twinChangeEvents' })).toEqual([]);
  });

  it('drops what matches nothing while the fallback is off, absent, or has a condition that does not hold', () => {
    const routes = [route('a', 'false', 'hot')];
    expect(goesTo({ routes, fallbackRoute: { ...fallbackRoute, isEnabled: false } })).toEqual([]);
    expect(goesTo({ routes })).toEqual([]);
    expect(goesTo({ routes, fallbackRoute: { ...fallbackRoute, condition: '$body.level = 2' } })).toEqual([]);
  });

  it('leaves disabled routes alone', () => {
    expect(goesTo({ routes: [route('a', 'true', 'hot', { isEnabled: false })], fallbackRoute })).toEqual(['events']);
  });

  it('tells sources apart, and which of them go nowhere', () => {
    const routes = [
      route('a', 'true', 'cold', { source: 'TwinChangeEvents' }),
      route('b', "opType = 'deviceConnected'", 'hot', { source: 'DeviceConnectionStateEvents' }),
    ];
    expect(goesTo({ routes }, { source: 'twinChangeEvents' })).toEqual(['cold']);
    const connected = { source: 'deviceConnectionStateEvents', properties: { opType: 'deviceConnected' } } as const;
    expect(goesTo({ routes }, connected)).toEqual(['hot']);
    expect(goesTo({ routes }, { ...connected, properties: { opType: 'deviceDisconnected' } })).toEqual([]);
    const router = routerOf({ routes });
    expect(router.takes('twinChangeEvents')).toBe(true);
    expect(router.takes('deviceConnectionStateEvents')).toBe(true);
    expect(router.takes('deviceLifecycleEvents')).toBe(false);
    expect(router.takes('Telemetry')).toBe(false);
  });

  it('sends telemetry to the built-in endpoint by default, and no events', () => {
    const router = new Router(DEFAULT_ROUTING, (name) => BITS[name] ?? 0);
    const noFacts = () => {
      throw new Error('No condition needs to look.');
    };
    expect(router.endpointsOf('Telemetry', noFacts)).toBe(1);
    expect(router.takes('deviceLifecycleEvents')).toBe(false);
  });
});
