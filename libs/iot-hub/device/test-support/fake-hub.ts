import type {
  DeviceMessage,
  DeviceSession,
  MethodReply,
  OpenDeviceSession,
  SessionEvents,
} from '../src/device-session.js';
import type { TwinProperties } from '../src/twin-patch.js';

/** A connection string that can be read; nothing listens there. */
export const CONNECTION_STRING = 'HostName=localhost:1;DeviceId=device001;SharedAccessKey=a2V5';

/** The hub's side of a session, played by a test. */
export interface FakeConnection {
  events: SessionEvents;
  reports: TwinProperties[];
  messages: DeviceMessage[];
  closed: boolean;
}

/** Opens sessions in memory: the test says how each attempt ends, and acts as the hub in those that succeed. */
export class FakeHub {
  readonly connections: FakeConnection[] = [];
  /** How the next attempts fail, in their order; without an entry an attempt succeeds. */
  readonly failures: (Error | undefined)[] = [];
  desired: TwinProperties = { $version: 1 };
  attempts = 0;
  readonly answers: { name: string; replies: MethodReply[] }[] = [];

  readonly open: OpenDeviceSession = (events, signal) => {
    this.attempts += 1;
    if (signal.aborted) return Promise.reject(new Error('aborted'));
    const failure = this.failures.shift();
    if (failure) return Promise.reject(failure);
    const connection: FakeConnection = { events, reports: [], messages: [], closed: false };
    this.connections.push(connection);
    const session: DeviceSession = {
      desired: this.desired,
      reportProperties: (patch) => {
        connection.reports.push(patch);
        return Promise.resolve();
      },
      sendMessage: (message) => {
        connection.messages.push(message);
        return Promise.resolve();
      },
      close: () => {
        connection.closed = true;
        return Promise.resolve();
      },
    };
    return Promise.resolve(session);
  };

  get current(): FakeConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error('There is no connection yet.');
    return connection;
  }

  /** Calls a method; resolves with the first answer. All answers are kept in `answers`. */
  call(name: string, body: unknown): Promise<MethodReply> {
    const replies: MethodReply[] = [];
    this.answers.push({ name, replies });
    return new Promise((resolve) => {
      this.current.events.onMethod({
        name,
        requestId: String(this.answers.length),
        body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
        respond: (reply) => {
          replies.push(reply);
          resolve(reply);
          return Promise.resolve();
        },
      });
    });
  }
}
