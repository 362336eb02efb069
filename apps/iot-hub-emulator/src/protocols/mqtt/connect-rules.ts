import type { IConnectPacket } from 'mqtt-packet';
import { authenticateDevice } from '../../hub/access/authenticate-device.js';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import type { CertificateChain } from '../../hub/access/certificate-chain.js';
import { isHostOfHub, quoted } from '../../hub/access/token-resource.js';
import { HubError, type HubErrorName } from '../../hub/errors/hub-errors.js';
import type { Hub } from '../../hub/hub.js';
import { identityOf } from '../../hub/identity.js';
import { announceModel } from '../../hub/twins/announce-model.js';
import { isEventsTopic } from './topics.js';

/** CONNACK return codes. @see http://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718035 */
export enum ConnectReturnCode {
  Accepted = 0,
  UnacceptableProtocolVersion = 1,
  IdentifierRejected = 2,
  ServerUnavailable = 3,
  NotAuthorized = 5,
}

/** Whether a CONNECT may come in: as which device, or why not (`reason` is for the log and never holds a token). */
export type ConnectDecision =
  | { readonly device: DeviceIdentity }
  | { readonly returnCode: ConnectReturnCode; readonly error: HubErrorName; readonly reason: string };

/**
 * Checks a CONNECT: MQTT 3.1.1, a client id equal to the device or module named by the user name
 * (`{hub}/{deviceId}[/{moduleId}]/?api-version=…`) and, as the password, a shared access signature; with none, the client certificate counts.
 *
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub#using-the-mqtt-protocol-directly-as-a-device
 */
export function decideConnect(
  hub: Hub,
  packet: IConnectPacket,
  certificates: CertificateChain | undefined,
): ConnectDecision {
  const { clientId, protocolId, protocolVersion, username, will } = packet;
  if (protocolId !== 'MQTT' || protocolVersion !== 4) {
    return refusal(
      ConnectReturnCode.UnacceptableProtocolVersion,
      'InvalidProtocolVersion',
      'only MQTT 3.1.1 is spoken here',
    );
  }
  // Also with clean = 1: an identity is needed.
  if (clientId === '') {
    return refusal(ConnectReturnCode.IdentifierRejected, 'ArgumentInvalid', 'the client id is empty');
  }
  const [host = '', ...named] = (username ?? '').split('/');
  if (!isHostOfHub(hub, host)) {
    return notAuthorized(`the user name does not begin with a name of this hub, but with ${quoted(host)}`);
  }
  if (!namesIdentity(named.join('/'), clientId)) {
    return notAuthorized('the user name is not {hub}/{client id}/?api-version=…: client id and user name must agree');
  }
  const [deviceId = '', moduleId, ...rest] = clientId.split('/');
  if (deviceId === '' || moduleId === '' || rest.length > 0) {
    return notAuthorized('the client id is neither {device id} nor {device id}/{module id}');
  }
  const identity = identityOf({ deviceId, moduleId });
  if (will?.qos === 2) return notAuthorized('a Will with QoS 2 is not supported');
  if (will && !isEventsTopic(will.topic, identity)) {
    return notAuthorized("the topic of the Will is not the client's own events topic");
  }
  try {
    const device = authenticateDevice(hub, identity, { token: packet.password?.toString(), certificates });
    const modelId = modelIdIn(username ?? '');
    if (modelId === '') return { device };
    announceModel(hub, identity, modelId);
    return { device: { ...device, modelId } };
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    return cause.status < 500
      ? notAuthorized(cause.reason, cause.errorName)
      : refusal(ConnectReturnCode.ServerUnavailable, cause.errorName, cause.message);
  }
}

/**
 * Whether a user name, after the host, is the client id, perhaps with parameters: they are recommended, not required, and
 * many an old client leaves out the question mark before them.
 */
function namesIdentity(text: string, clientId: string): boolean {
  return text.startsWith(clientId) && /^(\/?\?.*|\/|\/api-version=.*)?$/s.test(text.slice(clientId.length));
}

/** The model that a user name announces; empty when it announces none. */
const modelIdIn = (username: string): string =>
  new URLSearchParams(username.slice(username.indexOf('?') + 1)).get('model-id') ?? '';

const refusal = (returnCode: ConnectReturnCode, error: HubErrorName, reason: string) => ({ returnCode, error, reason });

const notAuthorized = (reason: string, error: HubErrorName = 'IotHubUnauthorizedAccess') =>
  refusal(ConnectReturnCode.NotAuthorized, error, reason);
