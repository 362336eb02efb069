import {
  ConnectionString,
  SharedAccessKeyAuthenticationProvider,
  SharedAccessSignatureAuthenticationProvider,
} from 'azure-iot-device';
import { AppError } from '#libs/runtime';

const TOKEN_LIFE_SECONDS = 3_600;
/** A token is renewed at five sixths of its life. */
const TOKEN_RENEWAL_MARGIN_SECONDS = 600;

/** Makes and renews the tokens that a device shows to the hub; `stop` ends its timer. */
export type DeviceAuthentication = SharedAccessKeyAuthenticationProvider | SharedAccessSignatureAuthenticationProvider;

/** What a device's connection string says. */
export interface DeviceCredentials {
  deviceId: string;
  /** The hub's name, with a port where it is not the protocol's own. */
  hostName: string;
  /** A fresh source of tokens: one a connection. */
  authenticate(): DeviceAuthentication;
}

/**
 * Reads `HostName=…;DeviceId=…;SharedAccessKey=…` (or `…;SharedAccessSignature=…`).
 *
 * @throws {@link AppError} `SETTINGS.INVALID`, never showing the string, which holds a key.
 */
export function parseDeviceConnectionString(connectionString: string): DeviceCredentials {
  const { HostName, DeviceId, SharedAccessKey, SharedAccessSignature } = parsed(connectionString);
  if (!HostName || !DeviceId || !URL.canParse(`https://${HostName}/`)) throw invalid();
  if (SharedAccessKey) {
    return {
      deviceId: DeviceId,
      hostName: HostName,
      authenticate: () =>
        SharedAccessKeyAuthenticationProvider.fromConnectionString(
          connectionString,
          TOKEN_LIFE_SECONDS,
          TOKEN_RENEWAL_MARGIN_SECONDS,
        ),
    };
  }
  if (!SharedAccessSignature) throw invalid();
  return {
    deviceId: DeviceId,
    hostName: HostName,
    authenticate: () => SharedAccessSignatureAuthenticationProvider.fromSharedAccessSignature(SharedAccessSignature),
  };
}

function parsed(connectionString: string): ReturnType<typeof ConnectionString.parse> {
  try {
    return ConnectionString.parse(connectionString);
  } catch {
    throw invalid();
  }
}

function invalid(): AppError {
  return new AppError('SETTINGS.INVALID', 'The device connection string is not valid.', {
    hint: 'It reads HostName=…;DeviceId=…;SharedAccessKey=…, as the hub shows it for the device.',
  });
}
