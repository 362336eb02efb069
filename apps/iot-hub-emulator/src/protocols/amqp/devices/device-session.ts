import type {
  CloseReason,
  DeviceConnection,
  Listening,
  MethodCall,
} from '../../../hub/connections/device-connection.js';
import type { Hub } from '../../../hub/hub.js';
import { identityKey, identityOf, type Identity } from '../../../hub/identity.js';
import type { JsonObject } from '../../../hub/json.js';
import { announceModel } from '../../../hub/twins/announce-model.js';
import { textOf } from '../amqp-message.js';
import type { AmqpConnection } from '../link-routes.js';
import type { LinkRequest } from '../link-routes.js';
import type { AmqpErrorFields } from '../rhea/rhea-types.js';

/** The property of a link by which a device says which model it implements. */
const MODEL_ID = 'com.microsoft:model-id';

const CLOSE_ERRORS: Readonly<Record<CloseReason, AmqpErrorFields>> = {
  replaced: {
    condition: 'amqp:link:stolen',
    description: 'The device has connected again: the newest connection wins.',
  },
  disabled: { condition: 'amqp:unauthorized-access', description: 'The device was disabled.' },
  deleted: { condition: 'amqp:not-found', description: 'The device was deleted.' },
  'token-expired': { condition: 'amqp:unauthorized-access', description: 'The token has expired.' },
  shutdown: { condition: 'amqp:connection:forced', description: 'The hub stops.' },
};

/** What takes the hub's calls, by what the device listens to. */
interface Listeners {
  methods: (call: MethodCall) => void;
  desired: (patch: JsonObject, version: number) => void;
  'cloud-to-device': () => void;
}

/**
 * A device or module on an AMQP connection, which may carry many of them: its links together are its live connection,
 * from the first to the last.
 */
export class DeviceSession implements DeviceConnection {
  readonly identity: Identity;
  readonly description: string;
  private readonly links = new Set<LinkRequest>();
  private announced: string | undefined;
  private readonly listeners: { [K in Listening]?: Listeners[K] | undefined } = {};
  private over = false;

  private constructor(
    private readonly hub: Hub,
    identity: Identity,
    private readonly connection: AmqpConnection,
  ) {
    this.identity = identityOf(identity);
    this.description = `amqp ${connection.peer}`;
  }

  /** The session that a link of a proven device or module belongs to; begins with the first, in place of an older connection. */
  static join(request: LinkRequest, identity: Identity): DeviceSession {
    const ofConnection = sessions.get(request.connection) ?? new Map<string, DeviceSession>();
    sessions.set(request.connection, ofConnection);
    const key = identityKey(identity);
    const found = ofConnection.get(key);
    const session = found?.over === false ? found : new DeviceSession(request.hub, identity, request.connection);
    session.announce(textOf(request.properties[MODEL_ID]));
    session.links.add(request);
    if (session !== found) {
      ofConnection.set(key, session);
      request.hub.connections.attach(session);
    }
    return session;
  }

  /** The model that the device said it implements. */
  get modelId(): string | undefined {
    return this.announced;
  }

  /** One of its links has gone. */
  leave(request: LinkRequest): void {
    this.links.delete(request);
    if (this.links.size > 0) return;
    this.finish('all links are closed');
    this.forget();
  }

  /** Takes the hub's calls of a kind until the returned function is called, or another takes them. */
  listen<K extends Listening>(kind: K, listener: Listeners[K]): () => void {
    this.listeners[kind] = listener;
    this.hub.connections.listeningChanged(this.identity);
    return () => {
      if (this.listeners[kind] !== listener) return;
      this.listeners[kind] = undefined;
      this.hub.connections.listeningChanged(this.identity);
    };
  }

  listensTo(kind: Listening): boolean {
    return this.listeners[kind] !== undefined;
  }

  invokeMethod(call: MethodCall): void {
    this.listeners.methods?.(call);
  }

  desiredChanged(patch: JsonObject, version: number): void {
    this.listeners.desired?.(patch, version);
  }

  messagesWaiting(): void {
    this.listeners['cloud-to-device']?.();
  }

  close(reason: CloseReason): void {
    this.finish(reason);
    for (const { end } of this.links) end(CLOSE_ERRORS[reason]);
  }

  private announce(modelId: string | undefined): void {
    if (modelId === undefined || modelId === '' || modelId === this.announced) return;
    announceModel(this.hub, this.identity, modelId);
    this.announced = modelId;
  }

  /** A connection may carry any number of devices, one after the other. */
  private forget(): void {
    const ofConnection = sessions.get(this.connection);
    const key = identityKey(this.identity);
    if (ofConnection?.get(key) === this) ofConnection.delete(key);
  }

  private finish(reason: string): void {
    if (this.over) return;
    this.over = true;
    this.hub.connections.detach(this, reason);
  }
}

const sessions = new WeakMap<AmqpConnection, Map<string, DeviceSession>>();
