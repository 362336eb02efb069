import { pino } from 'pino';
import { identityOf } from '../identity.js';
import type { CloseReason, DeviceConnection } from './device-connection.js';
import { LiveConnections } from './live-connections.js';

function aConnection(deviceId = 'd1', moduleId?: string) {
  const closed: CloseReason[] = [];
  const connection: DeviceConnection = {
    identity: identityOf({ deviceId, moduleId }),
    description: `connection of ${deviceId}`,
    listensTo: (kind) => kind === 'desired',
    close: (reason) => closed.push(reason),
    invokeMethod: () => undefined,
    desiredChanged: () => undefined,
    messagesWaiting: () => undefined,
  };
  return { connection, closed };
}

describe(LiveConnections.name, () => {
  let states: [string, boolean][];
  let log: { msg: string; level: number }[];
  let connections: LiveConnections;
  beforeEach(() => {
    states = [];
    log = [];
    const logger = pino({}, { write: (line) => log.push(JSON.parse(line) as { msg: string; level: number }) });
    connections = new LiveConnections(logger, ({ deviceId }, connected) => states.push([deviceId, connected]));
  });

  it('lets the newest connection win, and tells both sides in the log', () => {
    const [older, newer] = [aConnection(), aConnection()];
    connections.attach(older.connection);
    connections.attach(newer.connection);
    expect(older.closed).toEqual(['replaced']);
    expect(newer.closed).toEqual([]);
    expect(connections.get({ deviceId: 'd1' })).toBe(newer.connection);
    expect(connections.size).toBe(1);
    expect(log.slice(1).map(({ msg }) => msg)).toEqual([
      expect.stringContaining('newest connection wins'),
      expect.stringContaining('replacing'),
    ]);
    // The device was connected all the time.
    expect(states).toEqual([['d1', true]]);
  });

  it('does not let the loser take the winner down with it', () => {
    const [older, newer] = [aConnection(), aConnection()];
    connections.attach(older.connection);
    connections.attach(newer.connection);
    connections.detach(older.connection);
    expect(connections.get({ deviceId: 'd1' })).toBe(newer.connection);
    connections.detach(newer.connection);
    connections.detach(newer.connection);
    expect(states).toEqual([
      ['d1', true],
      ['d1', false],
    ]);
  });

  it('keeps a device apart from its modules', () => {
    const [device, first, second] = [aConnection(), aConnection('d1', 'm1'), aConnection('d1', 'm2')];
    for (const { connection } of [device, first, second]) connections.attach(connection);
    expect([connections.size, connections.deviceCount]).toEqual([3, 1]);
    expect(connections.get({ deviceId: 'd1', moduleId: 'm2' })).toBe(second.connection);
    connections.close({ deviceId: 'd1', moduleId: 'm1' }, 'deleted');
    expect([device.closed, first.closed, second.closed]).toEqual([[], ['deleted'], []]);
    expect([connections.size, connections.deviceCount]).toEqual([2, 1]);
  });

  it('gives a connection only for what it listens to', () => {
    const { connection } = aConnection();
    connections.attach(connection);
    expect(connections.listening({ deviceId: 'd1' }, 'desired')).toBe(connection);
    expect(connections.listening({ deviceId: 'd1' }, 'methods')).toBeUndefined();
    expect(connections.listening({ deviceId: 'd2' }, 'desired')).toBeUndefined();
  });

  it('closes one or all, with the reason', () => {
    const [first, second] = [aConnection('d1'), aConnection('d2')];
    connections.attach(first.connection);
    connections.attach(second.connection);
    connections.close({ deviceId: 'd1' }, 'disabled');
    connections.close({ deviceId: 'd1' }, 'disabled');
    connections.closeAll('shutdown');
    expect([first.closed, second.closed]).toEqual([['disabled'], ['shutdown']]);
    expect(connections.size).toBe(0);
  });
});
