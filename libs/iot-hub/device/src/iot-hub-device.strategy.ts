import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { AppError } from '#libs/runtime';
import { DesiredPropertiesContext } from './desired-properties.context.js';
import type { DesiredPropertiesChange } from './desired-state.js';
import type { MethodCall, MethodReply } from './device-session.js';
import { DirectMethodContext } from './direct-method.context.js';
import { failureReply, type FailureStatuses, TRANSPORT_FAILURE_STATUSES } from './direct-method-failure.js';
import { invalidPayload } from './direct-method-payload.pipe.js';
import type { IotHubDevice } from './iot-hub-device.js';
import type { ConnectionState } from './lasting-connection.js';
import { settledWithin } from './settled-within.js';
import { DESIRED_PROPERTIES_PATTERN, IOT_HUB_DEVICE_TRANSPORT } from './transport-id.js';

/** Calls beyond this are refused, not queued: their caller would have given up before their turn. */
const MAX_CALLS_AT_ONCE = 16;
/** IoT Hub's limit for what a direct method answers. */
const MAX_REPLY_BYTES = 128 * 1024;
const DRAIN_TIMEOUT_MS = 5_000;

export interface IotHubDeviceStrategyOptions {
  /**
   * The status that an {@link AppError} of each code is answered with; 500 for a code that is not here. The body is a
   * `DirectMethodFailure`.
   */
  failureStatuses?: FailureStatuses;
}

/** What {@link IotHubDeviceStrategy} tells: each change of the connection. */
export interface IotHubDeviceEvents extends Record<string, (state: ConnectionState) => void> {
  state: (state: ConnectionState) => void;
}

/**
 * A Nest transport for the device side of Azure IoT Hub: direct methods are message patterns, changes of the desired
 * properties are an event pattern.
 *
 * Every call of a method is answered exactly once, also one that has no handler (404) or whose handler throws.
 *
 * ```ts
 * const device = new IotHubDevice({ connectionString });
 * const app = await NestFactory.createMicroservice(AppModule, { strategy: new IotHubDeviceStrategy(device) });
 * await app.listen(); // connects in the background, for ever
 * ```
 */
export class IotHubDeviceStrategy
  extends Server<IotHubDeviceEvents, ConnectionState['status']>
  implements CustomTransportStrategy
{
  override readonly transportId = IOT_HUB_DEVICE_TRANSPORT;
  private readonly failureStatuses: FailureStatuses;
  private readonly underWay = new Set<Promise<void>>();
  private desiredHandled: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  constructor(
    private readonly device: IotHubDevice,
    { failureStatuses = {} }: IotHubDeviceStrategyOptions = {},
  ) {
    super();
    this.failureStatuses = { ...TRANSPORT_FAILURE_STATUSES, ...failureStatuses };
  }

  /** The names of the direct methods that have a handler; known once the application is initialised. */
  get methodNames(): string[] {
    return [...this.messageHandlers].filter(([, handler]) => !handler.isEventHandler).map(([name]) => name);
  }

  listen(callback: () => void): void {
    this.device.onStateChange(({ status }) => {
      this._status$.next(status);
    });
    this.device.start({
      onMethod: (call) => {
        this.track(this.answer(call));
      },
      onDesiredProperties: (change) => {
        this.desiredHandled = this.desiredHandled.then(() => this.handleDesired(change));
      },
    });
    callback();
  }

  /** Answers what is under way, for at most 5 s, and disconnects. */
  close(): Promise<void> {
    return (this.closing ??= this.drainAndDisconnect());
  }

  on<Event extends keyof IotHubDeviceEvents>(_event: Event, callback: IotHubDeviceEvents[Event]): void {
    this.device.onStateChange(callback);
  }

  /** The {@link IotHubDevice} underneath. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- Nest declares it so
  unwrap<T>(): T {
    return this.device as T;
  }

  private async drainAndDisconnect(): Promise<void> {
    const drained = Promise.all([...this.underWay, this.desiredHandled]);
    await settledWithin({ timeoutMs: DRAIN_TIMEOUT_MS, what: 'Answering' }, () => drained).catch(() => undefined);
    await this.device.close();
  }

  private track(answered: Promise<void>): void {
    this.underWay.add(answered);
    void answered.finally(() => this.underWay.delete(answered));
  }

  private async answer(call: MethodCall): Promise<void> {
    const reply = await this.reply(call);
    try {
      await call.respond(reply);
    } catch (error) {
      // The hub has told the caller already that the device went away.
      this.logger.warn(`The answer to ${call.name} could not be sent: ${String(error)}`);
    }
  }

  private async reply(call: MethodCall): Promise<MethodReply> {
    try {
      const payload = await this.handle(call);
      assertReplySize(payload);
      return { status: 200, payload };
    } catch (error) {
      const reply = failureReply(error, this.failureStatuses);
      if (reply.status >= 500) this.logger.error(`${call.name} failed: ${describe(error)}`);
      return reply;
    }
  }

  private async handle({ name, requestId, body }: MethodCall): Promise<unknown> {
    if (this.closing) throw new AppError('METHOD.DEVICE_CLOSING', 'The device is being stopped.');
    if (this.underWay.size >= MAX_CALLS_AT_ONCE) {
      throw new AppError('METHOD.TOO_MANY_CALLS', `The device is busy with ${MAX_CALLS_AT_ONCE} calls.`, {
        hint: 'Try again when they are done.',
      });
    }
    const handler = this.messageHandlers.get(name);
    if (!handler || handler.isEventHandler) {
      throw new AppError('METHOD.NOT_FOUND', `The device has no direct method "${name}".`, {
        hint: `It has: ${this.methodNames.join(', ') || 'none'}.`,
      });
    }
    const result: unknown = await handler(parsedBody(body), new DirectMethodContext([name, requestId]));
    return firstValueFrom(this.transformToObservable<unknown>(result), { defaultValue: null });
  }

  private async handleDesired({ desired, patch }: DesiredPropertiesChange): Promise<void> {
    if (!this.messageHandlers.has(DESIRED_PROPERTIES_PATTERN)) return;
    const packet = { pattern: DESIRED_PROPERTIES_PATTERN, data: desired };
    try {
      await this.handleEvent(DESIRED_PROPERTIES_PATTERN, packet, new DesiredPropertiesContext([patch]));
    } catch (error) {
      this.logger.error(`The desired properties could not be applied: ${describe(error)}`);
    }
  }
}

function parsedBody(body: Buffer): unknown {
  if (body.length === 0) return null;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw invalidPayload(['the payload must be JSON']);
  }
}

function assertReplySize(payload: unknown): void {
  if (Buffer.byteLength(JSON.stringify(payload ?? null)) <= MAX_REPLY_BYTES) return;
  throw new AppError('METHOD.REPLY_TOO_LARGE', `The reply is larger than ${MAX_REPLY_BYTES} bytes.`);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
