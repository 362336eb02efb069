import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { IConnectPacket } from 'mqtt-packet';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import { loadSubscriptions, saveSubscriptions } from '../../hub/connections/stored-subscriptions.js';
import type { Hub } from '../../hub/hub.js';
import { clientCertificatesOf } from '../client-certificates.js';
import { markProven } from '../connection-caps.js';
import { ConnectReturnCode, decideConnect } from './connect-rules.js';
import { MqttSession } from './mqtt-session.js';
import { PacketStream } from './packet-stream.js';

/** From the first byte on. The handshake before it has a limit of its own. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A client id comes from a stranger: the log gets its beginning. */
const LOGGED_ID_LENGTH = 128;

export interface MqttEndpoint {
  /** Speaks MQTT over a byte stream until it closes. `peer` names the client for the log, `socket` is the TLS below. */
  readonly accept: (stream: Duplex, peer: string, socket?: TLSSocket) => void;
}

/** Makes what turns MQTT byte streams into connections of the hub's devices. */
export function createMqttEndpoint(hub: Hub): MqttEndpoint {
  return {
    accept(stream, peer, socket) {
      new Admission(hub, peer, socket).begin(stream);
    },
  };
}

/** A connection before its CONNECT is accepted. */
class Admission {
  private packets: PacketStream;
  private cancelTimeout: () => void;

  constructor(
    private readonly hub: Hub,
    private readonly peer: string,
    private readonly socket: TLSSocket | undefined,
  ) {}

  begin(stream: Duplex): void {
    this.cancelTimeout = this.hub.clock.after(CONNECT_TIMEOUT_MS, () => {
      this.refuse('no CONNECT in time');
    });
    this.packets = new PacketStream(stream, {
      packet: (packet) => {
        this.cancelTimeout();
        // [MQTT-3.1.0-1]
        if (packet.cmd === 'connect') this.connect(packet);
        else this.refuse('the first packet is not a CONNECT');
      },
      activity: () => undefined,
      violation: (reason) => {
        this.refuse(reason);
      },
      closed: this.cancelTimeout,
    });
  }

  private connect(packet: IConnectPacket): void {
    const clientId = packet.clientId.slice(0, LOGGED_ID_LENGTH);
    this.packets.hold();
    this.admit(packet).catch((cause: unknown) => {
      this.hub.logger.error({ peer: this.peer, clientId, err: cause }, 'CONNECT failed');
      this.packets.send({ cmd: 'connack', returnCode: ConnectReturnCode.ServerUnavailable, sessionPresent: false });
      this.packets.end();
    });
  }

  private async admit(packet: IConnectPacket): Promise<void> {
    const { hub, packets, peer } = this;
    const device = this.authenticate(packet);
    if (device === undefined) return;
    let subscriptions = loadSubscriptions(hub, device);
    if (packet.clean !== false && subscriptions.length > 0) {
      // [MQTT-3.1.2-6]
      await saveSubscriptions(hub, device, []);
      subscriptions = [];
      // Meanwhile the device may have been disabled or removed, when it had no connection yet to be closed.
      if (this.authenticate(packet) === undefined) return;
    }
    if (packets.isOver) return;
    const session = new MqttSession(hub, { connect: packet, device, packets, peer, subscriptions });
    packets.handOver(session);
    packets.send({
      cmd: 'connack',
      returnCode: ConnectReturnCode.Accepted,
      sessionPresent: subscriptions.length > 0,
    });
    markProven(this.socket);
    session.start();
    packets.release();
  }

  /** The device that the CONNECT proves to be; undefined when it proves none, which the client then has been told. */
  private authenticate(packet: IConnectPacket): DeviceIdentity | undefined {
    const { hub, packets, peer } = this;
    const decision = decideConnect(hub, packet, clientCertificatesOf(this.socket));
    if ('device' in decision) return decision.device;
    const { returnCode, error, reason } = decision;
    hub.metrics.refusals.add('mqtt', error);
    const clientId = packet.clientId.slice(0, LOGGED_ID_LENGTH);
    hub.logger.warn({ peer, clientId, returnCode, error, reason }, 'CONNECT refused');
    packets.send({ cmd: 'connack', returnCode, sessionPresent: false });
    packets.end();
    return undefined;
  }

  private refuse(reason: string): void {
    this.cancelTimeout();
    this.hub.metrics.refusals.add('mqtt', 'protocol-violation');
    this.hub.logger.warn({ peer: this.peer, reason }, 'Connection closed by the hub');
    this.packets.end();
  }
}
