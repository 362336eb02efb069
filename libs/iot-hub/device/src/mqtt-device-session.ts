import { DeviceMethodResponse, Message } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import type { DeviceAuthentication, DeviceCredentials } from './device-credentials.js';
import {
  type DeviceMessage,
  type DeviceSession,
  LostWhileOpening,
  type OpenDeviceSession,
  type SessionEvents,
} from './device-session.js';
import { settledWithin } from './settled-within.js';
import type { TwinProperties } from './twin-patch.js';

/** For connecting, subscribing and reading the twin together. The SDK itself would wait a minute to connect alone. */
const OPEN_TIMEOUT_MS = 20_000;
/** The SDK has no limit for a twin update: an answer that was lost would be waited for for ever. */
const REPORT_TIMEOUT_MS = 20_000;
const CLOSE_TIMEOUT_MS = 3_000;
/** @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct */
const CREATION_TIME_PROPERTY = 'iothub-creation-time-utc';
/** A link that went dead in silence is noticed within two of these; with the SDK's own 180 s it would take minutes. */
const KEEP_ALIVE_SECONDS = 30;

export interface MqttSessionOptions {
  credentials: DeviceCredentials;
  /** A certificate authority (PEM) to trust instead of the process's own. */
  ca?: string | undefined;
}

/** A direct method as the SDK's transport announces it. */
interface MethodMessage {
  methods: { methodName: string };
  requestId: string;
  body: Buffer;
}

/** Opens sessions over MQTT 3.1.1 with Microsoft's transport for devices. */
export function mqttSessions({ credentials, ca }: MqttSessionOptions): OpenDeviceSession {
  return async (events, signal) => {
    const session = new MqttDeviceSession(credentials.authenticate(), events);
    await session.open(signal, ca);
    return session;
  };
}

class MqttDeviceSession implements DeviceSession {
  desired: TwinProperties = {};
  private readonly transport: MethodForwardingMqtt;
  private readonly disconnected = Promise.withResolvers<Error | undefined>();
  private closed = false;
  private lost = false;

  constructor(
    private readonly authentication: DeviceAuthentication,
    private readonly events: SessionEvents,
  ) {
    this.transport = new MethodForwardingMqtt(authentication, (message) => {
      this.onMethod(message);
    });
    this.transport.on('disconnect', (error?: Error) => {
      this.lost = true;
      this.disconnected.resolve(error);
    });
    // Whatever is reported as an error is reported as a disconnect too.
    this.transport.on('error', () => undefined);
  }

  async open(signal: AbortSignal, ca: string | undefined): Promise<void> {
    this.transport.setOptions({ keepalive: KEEP_ALIVE_SECONDS, ...(ca ? { ca } : {}) });
    try {
      await settledWithin({ timeoutMs: OPEN_TIMEOUT_MS, what: 'Connecting', signal }, async () => {
        await called((done) => {
          this.transport.connect(done);
        });
        await this.ready();
      });
    } catch (error) {
      await this.close();
      throw error;
    }
    void this.disconnected.promise.then((error) => {
      this.authentication.stop();
      if (!this.closed) this.events.onLost(error);
    });
  }

  async reportProperties(patch: TwinProperties): Promise<void> {
    await settledWithin({ timeoutMs: REPORT_TIMEOUT_MS, what: 'The twin update' }, () =>
      this.unlessLost(
        called((done) => {
          this.transport.updateTwinReportedProperties(patch, done);
        }),
      ),
    );
  }

  async sendMessage({ messageId, body, properties, createdAt }: DeviceMessage): Promise<void> {
    // The SDK would make a connection of its own for a message that comes after the loss of this one.
    if (this.lost || this.closed) throw new Error('The connection was closed.');
    const message = new Message(Buffer.from(body));
    message.messageId = messageId;
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    for (const [name, value] of Object.entries({ ...properties, [CREATION_TIME_PROPERTY]: createdAt })) {
      message.properties.add(name, value);
    }
    // The SDK gives up an acknowledgement that has not come within 30 to 40 s.
    await this.unlessLost(
      called((done) => {
        this.transport.sendEvent(message, done);
      }),
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    this.authentication.stop();
    const closed = called((done) => {
      this.transport.disconnect(done);
    });
    // A dead link never confirms; the keep-alive then ends its socket.
    await settledWithin({ timeoutMs: CLOSE_TIMEOUT_MS, what: 'Closing' }, () => closed).catch(() => undefined);
  }

  private async ready(): Promise<void> {
    try {
      await this.unlessLost(this.subscribe());
    } catch (cause) {
      throw new LostWhileOpening(cause);
    }
  }

  private async subscribe(): Promise<void> {
    const { transport } = this;
    await called((done) => {
      transport.enableMethods(done);
    });
    transport.on('twinDesiredPropertiesUpdate', (patch: TwinProperties) => {
      this.events.onDesiredPatch(patch);
    });
    await called((done) => {
      transport.enableTwinDesiredPropertiesUpdates(done);
    });
    const twin = await called<{ desired: TwinProperties }>((done) => {
      transport.getTwin((error, twin) => {
        done(error, twin);
      });
    });
    this.desired = twin.desired;
  }

  /** The SDK may leave a request that a loss interrupts without an answer. */
  private unlessLost<Result>(request: Promise<Result>): Promise<Result> {
    const lost = this.disconnected.promise.then((error) => {
      throw error ?? new Error('The connection was closed.');
    });
    return Promise.race([request, lost]);
  }

  private onMethod({ methods: { methodName: name }, requestId, body }: MethodMessage): void {
    const response = new DeviceMethodResponse(requestId, this.transport);
    this.events.onMethod({
      name,
      requestId,
      body,
      respond: ({ status, payload }) => this.unlessLost(response.send(status, payload ?? null)),
    });
  }
}

/** Hands every direct method to one function: the SDK would leave a method without a listener unanswered. */
class MethodForwardingMqtt extends Mqtt {
  constructor(
    authentication: DeviceAuthentication,
    private readonly onMethod: (message: MethodMessage) => void,
  ) {
    super(authentication);
    // On its first connection the SDK takes any failure, also of the network, for "Not authorized" and drops the code.
    Reflect.set(this, '_firstConnection', false);
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (typeof event !== 'string' || !event.startsWith('method_')) return super.emit(event, ...args);
    this.onMethod(args[0] as MethodMessage);
    return true;
  }
}

function called<Result = void>(
  start: (done: (error?: Error | null, result?: Result) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error) reject(error);
      else resolve(result as Result);
    });
  });
}
