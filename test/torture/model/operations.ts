import { until } from '../../support/until.js';
import { type FilterName, FILTERS, type JsonMap, ModelDevice } from './model-device.js';
import type { World } from './world.js';

/** Does something with the hub and the model, and compares. @returns what was done, for the history. */
type Operation = (world: World, name: string) => Promise<string>;

const MAX_QUEUE_DEPTH = 50;
const FILTER_NAMES = [...Object.keys(FILTERS), 'deviceBound'] as FilterName[];
/** Messages to these are taken over HTTPS, to the others over MQTT. */
const asksOverHttps = (name: string): boolean => ['model-a', 'model-b'].includes(name);

const create: Operation = async (world, name) => {
  const { status, json } = await world.owner('PUT', `/devices/${name}`, { deviceId: name });
  expect(status).toBe(world.devices.has(name) ? 409 : 200);
  if (status === 200) {
    const { authentication } = json as { authentication: { symmetricKey: { primaryKey: string } } };
    world.hub.learnKey(name, authentication.symmetricKey.primaryKey);
    world.devices.set(name, new ModelDevice());
  }
  return `create: ${status}`;
};

const remove: Operation = async (world, name) => {
  const { status } = await world.owner('DELETE', `/devices/${name}`, undefined, { 'if-match': '*' });
  expect(status).toBe(world.devices.has(name) ? 204 : 404);
  await expectClosed(world, name);
  world.devices.delete(name);
  return `remove: ${status}`;
};

const enableOrDisable: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const enabled = world.random.chance(0.85);
  const body = { deviceId: name, status: enabled ? 'enabled' : 'disabled' };
  const { status } = await world.owner('PUT', `/devices/${name}`, body, { 'if-match': '*' });
  expect(status).toBe(device ? 200 : 404);
  if (device) {
    device.enabled = enabled;
    if (!enabled) await expectClosed(world, name);
  }
  return `${body.status}: ${status}`;
};

/** The hub ends the connection of a device that may not have one any more. */
async function expectClosed(world: World, name: string): Promise<void> {
  await world.connections.get(name)?.mqtt.closed;
  world.disconnected(name);
}

interface TwinView {
  readonly version: number;
  readonly etag: string;
  readonly connectionState: string;
  readonly tags?: JsonMap;
  readonly properties: Record<'desired' | 'reported', JsonMap>;
}

const readTwin: Operation = async (world, name) => {
  const { status, json } = await world.owner('GET', `/twins/${name}`);
  const device = world.devices.get(name);
  expect(status).toBe(device ? 200 : 404);
  if (device) expectTwin(json as TwinView, device);
  return `read twin: ${status}`;
};

function expectTwin({ version, connectionState, tags, properties }: TwinView, device: ModelDevice): void {
  const own = ({ $version, $metadata, ...values }: JsonMap) => {
    expect(typeof $metadata).toBe('object');
    return { $version, values };
  };
  expect({
    version,
    connectionState,
    tags,
    desired: own(properties.desired),
    reported: own(properties.reported),
  }).toEqual({
    version: device.version,
    connectionState: device.connected ? 'Connected' : 'Disconnected',
    tags: Object.keys(device.tags).length === 0 ? undefined : device.tags,
    desired: { $version: device.desiredVersion, values: device.desired },
    reported: { $version: device.reportedVersion, values: device.reported },
  });
}

const changeTwin: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const replaces = world.random.chance(0.2);
  const properties = replaces ? withoutNulls(world.anyProperties()) : world.anyProperties();
  const change = { tags: replaces ? {} : world.anyProperties(), desired: properties };
  const body = { tags: change.tags, properties: { desired: change.desired } };
  const stale = world.random.chance(0.1);
  const headers: Record<string, string> = stale ? { 'if-match': '"AAAAAAAAAAA="' } : {};
  const { status, json } = await world.owner(replaces ? 'PUT' : 'PATCH', `/twins/${name}`, body, headers);
  expect(status).toBe(device === undefined ? 404 : stale ? 412 : 200);
  if (device && !stale) {
    const before = device.desiredVersion;
    if (replaces) device.replaceService(change);
    else device.patchService(change);
    expectTwin(json as TwinView, device);
    const told = { ...(replaces ? device.desired : change.desired), $version: device.desiredVersion };
    const connection = world.connections.get(name);
    if (connection && device.subscriptions.has('desired')) {
      await world.expectTold(connection.desired, device.desiredVersion > before ? [told] : []);
    }
  }
  return `${replaces ? 'replace' : 'patch'} ${JSON.stringify(body)}: ${status}`;
};

/** What replaces all has nothing to delete. */
const withoutNulls = (properties: JsonMap): JsonMap =>
  Object.fromEntries(
    Object.entries(properties).filter(
      ([, value]) => value !== null && (typeof value !== 'object' || Array.isArray(value)),
    ),
  );

const report: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const connection = world.connections.get(name);
  if (!device?.subscriptions.has('twinReplies') || !connection) return 'report: not connected';
  const patch = world.anyProperties();
  const { status } = await askTwin(world, name, 'PATCH/properties/reported', JSON.stringify(patch));
  expect(status).toBe(204);
  device.patchReported(patch);
  return `report ${JSON.stringify(patch)}`;
};

const getOwnTwin: Operation = async (world, name) => {
  const device = world.devices.get(name);
  if (!device?.subscriptions.has('twinReplies') || !world.connections.has(name)) return 'get twin: not connected';
  const { status, body } = await askTwin(world, name, 'GET', '');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({
    desired: { ...device.desired, $version: device.desiredVersion },
    reported: { ...device.reported, $version: device.reportedVersion },
  });
  return 'get twin';
};

async function askTwin(world: World, name: string, request: string, payload: string) {
  const connection = world.connections.get(name);
  if (!connection) throw new Error(`${name} is not connected.`);
  const requestId = String(world.nextNumber());
  connection.mqtt.send({
    ...{ cmd: 'publish', qos: 0, dup: false, retain: false, payload },
    topic: `$iothub/twin/${request}/?$rid=${requestId}`,
  });
  await world.whenTold(() => connection.twinReplies.has(requestId));
  const reply = connection.twinReplies.get(requestId);
  connection.twinReplies.delete(requestId);
  return { status: reply?.status, body: reply?.body ?? '' };
}

const connect: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const clean = world.random.chance(0.3);
  const older = world.connections.get(name);
  const { code, connection } = await world.connect(name, clean);
  expect(code).toBe(device?.enabled === true ? 0 : 5);
  if (device?.enabled === true) {
    if (older) {
      await older.mqtt.closed;
      world.disconnected(name);
    }
    if (clean) device.keptSubscriptions = new Set();
    device.connected = true;
    device.keepsSession = !clean;
    device.subscriptions = new Set(device.keptSubscriptions);
    world.connections.set(name, connection);
    await world.expectQueueDelivered(name);
  }
  return `connect${clean ? ' clean' : ''}: ${code}`;
};

const disconnect: Operation = async (world, name) => {
  const connection = world.connections.get(name);
  if (!connection) return 'disconnect: not connected';
  connection.mqtt.disconnect();
  await connection.mqtt.closed;
  world.disconnected(name);
  await until(async () => {
    const { json } = await world.owner('GET', `/devices/${name}`);
    return (json as { connectionState: string }).connectionState === 'Disconnected';
  }, `${name} to be disconnected`);
  return 'disconnect';
};

const subscribe: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const connection = world.connections.get(name);
  if (!device || !connection) return 'subscribe: not connected';
  const what = world.random.pick(FILTER_NAMES.filter((filter) => filter !== 'deviceBound' || !asksOverHttps(name)));
  expect(await connection.mqtt.subscribe(world.filter(name, what))).toEqual([1]);
  device.subscriptions.add(what);
  await world.expectQueueDelivered(name);
  return `subscribe ${what}`;
};

const invokeMethod: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const payload = world.nextNumber();
  const body = { methodName: 'echo', payload, responseTimeoutInSeconds: 10 };
  const { status, json } = await world.owner('POST', `/twins/${name}/methods`, body);
  const listens = device?.subscriptions.has('methods') === true;
  expect(status).toBe(listens ? 200 : 404);
  if (listens) expect(json).toEqual({ status: 222, payload });
  return `invoke: ${status}`;
};

const sendMessage: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const connection = world.connections.get(name);
  if (device?.enabled !== true) return 'send: no such device';
  const number = world.nextNumber();
  if (connection && world.random.chance(0.7)) {
    await connection.mqtt.publish(`devices/${name}/messages/events/`, String(number));
  } else {
    const path = `/devices/${name}/messages/events`;
    const { status } = await world.hub.callAsDevice(name, { method: 'POST', path, body: String(number) });
    expect(status).toBe(204);
  }
  world.sent.get(name)?.push(number);
  return `send ${number}`;
};

const sendToDevice: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const number = world.nextNumber();
  const isFull = (device?.queue.length ?? 0) >= MAX_QUEUE_DEPTH;
  expect(await world.sendToDevice(name, number)).toBe(device !== undefined && !isFull);
  if (device && !isFull) {
    device.queue.push({ number, deliveryCount: 0 });
    await world.expectQueueDelivered(name);
  }
  return `send ${number} to it${isFull ? ': full' : ''}`;
};

/** Over HTTPS: takes a message, or settles the one that it has taken. */
const takeOrSettle: Operation = async (world, name) => {
  const device = world.devices.get(name);
  if (device?.enabled !== true || !asksOverHttps(name)) return 'take: not over HTTPS';
  const path = `/devices/${name}/messages/devicebound`;
  const { locked } = device;
  if (!locked) {
    const message = device.nextMessage;
    const { status, body, headers } = await world.hub.callAsDevice(name, { method: 'GET', path });
    expect(status).toBe(message ? 200 : 204);
    if (!message) return 'take: none';
    expect(Number(body)).toBe(message.number);
    expect(Number(headers['iothub-deliverycount'])).toBe(message.deliveryCount);
    device.locked = { message, token: (headers.etag ?? '').replaceAll('"', '') };
    return `take ${message.number}`;
  }
  const abandons = world.random.chance(0.4);
  const { status } = await world.hub.callAsDevice(name, {
    method: abandons ? 'POST' : 'DELETE',
    path: `${path}/${locked.token}${abandons ? '/abandon' : ''}`,
  });
  expect(status).toBe(204);
  device.locked = undefined;
  if (abandons) locked.message.deliveryCount += 1;
  if (!abandons || locked.message.deliveryCount >= 10) device.remove(locked.message);
  return `${abandons ? 'abandon' : 'complete'} ${locked.message.number}`;
};

const purge: Operation = async (world, name) => {
  const device = world.devices.get(name);
  const { status, json } = await world.owner('DELETE', `/devices/${name}/commands`);
  expect(status).toBe(device ? 200 : 404);
  if (device) {
    expect((json as { totalMessagesPurged: number }).totalMessagesPurged).toBe(device.queue.length);
    device.queue.length = 0;
    device.locked = undefined;
  }
  return `purge: ${status}`;
};

const listDevices: Operation = async (world) => {
  const { json } = await world.owner('GET', '/devices');
  const listed = json as { deviceId: string; status: string; cloudToDeviceMessageCount: number }[];
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(
    listed
      .map(({ deviceId, status, cloudToDeviceMessageCount }) => ({ name: deviceId, status, cloudToDeviceMessageCount }))
      .sort(byName),
  ).toEqual(
    [...world.devices]
      .map(([name, { enabled, queue }]) => ({
        ...{ name, status: enabled ? 'enabled' : 'disabled', cloudToDeviceMessageCount: queue.length },
      }))
      .sort(byName),
  );
  return 'list';
};

const queryDevices: Operation = async (world) => {
  const query = "SELECT deviceId FROM devices WHERE tags.p = 'text' OR properties.desired.q > -2";
  const { json } = await world.owner('POST', '/devices/query', { query });
  const found = [...world.devices].filter(
    ([, { tags, desired }]) => tags.p === 'text' || (typeof desired.q === 'number' && desired.q > -2),
  );
  expect((json as { deviceId: string }[]).map(({ deviceId }) => deviceId).sort()).toEqual(
    found.map(([name]) => name).sort(),
  );
  return 'query';
};

const restart: Operation = async (world) => {
  const kills = world.random.chance(0.5);
  await world.restart(kills);
  return kills ? 'kill and start' : 'stop and start';
};

/** How often, of about 1000, each is done. */
const WEIGHTS: readonly (readonly [Operation, number])[] = [
  [create, 60],
  [remove, 12],
  [enableOrDisable, 25],
  [readTwin, 120],
  [changeTwin, 140],
  [report, 120],
  [getOwnTwin, 80],
  [connect, 120],
  [disconnect, 20],
  [subscribe, 120],
  [invokeMethod, 60],
  [sendMessage, 90],
  [sendToDevice, 90],
  [takeOrSettle, 120],
  [purge, 5],
  [listDevices, 15],
  [queryDevices, 15],
];
const DRAWN = WEIGHTS.flatMap(([operation, weight]) => Array.from({ length: weight }, () => operation));

/** The next operation. @param restarts whether one of the restarts is due */
export const nextOperation = (world: World, restarts: boolean): Operation =>
  restarts ? restart : world.random.pick(DRAWN);
