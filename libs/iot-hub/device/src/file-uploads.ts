import { Agent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { AppError } from '#libs/runtime';
import { fullJitterDelayMs } from './backoff.js';
import type { DeviceCredentials } from './device-credentials.js';
import { settledWithin } from './settled-within.js';

const REQUEST_TIMEOUT_MS = 20_000;
const NOTIFY_ATTEMPTS = 3;
const NOTIFY_BACKOFF = { floorMs: 100, baseMs: 250, capMs: 2_000 };

/** Where the hub lets the device store one file. */
export interface UploadTarget {
  /** Ties the notification to this upload. */
  correlationId: string;
  /** The blob's full name in its container: the device id, a slash, and the name asked for. */
  blobName: string;
  /** The blob with its SAS: a secret for about an hour. */
  url: string;
}

/** How an upload ended. */
export interface UploadOutcome {
  isSuccess: boolean;
  /** By custom the HTTP status that the storage answered, or 0. */
  statusCode: number;
  statusDescription: string;
}

/**
 * The hub's file uploads over HTTPS; they need no MQTT connection.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-file-upload
 */
export class FileUploads {
  constructor(
    private readonly credentials: DeviceCredentials,
    private readonly ca?: string,
  ) {}

  /** @throws {@link AppError} `UPLOAD.NAME_INVALID`, `UPLOAD.REFUSED` with the hub's status, `UPLOAD.UNREACHABLE` */
  async target(blobName: string): Promise<UploadTarget> {
    assertSendable(blobName);
    const answer = await this.request((client) => client.getBlobSharedAccessSignature(blobName));
    const { correlationId, hostName, containerName, sasToken } = answer;
    if (!correlationId || !hostName || !containerName || !answer.blobName || !sasToken) {
      throw uploadError(new Error('the answer is incomplete'));
    }
    const storedName = `${this.credentials.deviceId}/${blobName}`;
    return {
      correlationId,
      blobName: storedName,
      // A hub may give the name as it is or percent-encoded; encoded here, it means the same to every storage.
      url: `https://${hostName}/${containerName}/${storedName.split('/').map(encodeURIComponent).join('/')}${sasToken}`,
    };
  }

  /**
   * Tells the hub how an upload ended, which also frees one of the ten uploads a device may have open; tried thrice.
   *
   * @throws {@link AppError} like {@link FileUploads.target}
   */
  async notify({ correlationId }: UploadTarget, outcome: UploadOutcome): Promise<void> {
    const { isSuccess, statusCode, statusDescription } = outcome;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.request((client) =>
          client.notifyBlobUploadStatus(correlationId, isSuccess, statusCode, statusDescription),
        );
        return;
      } catch (error) {
        if (attempt === NOTIFY_ATTEMPTS) throw error;
        await delay(fullJitterDelayMs(NOTIFY_BACKOFF, attempt, Math.random));
      }
    }
  }

  private async request<Result>(send: (client: Client) => Promise<Result>): Promise<Result> {
    // The SDK cannot cancel a request: its own client and sockets are dropped with it.
    const authentication = this.credentials.authenticate();
    const agent = this.agent();
    const client = Client.fromAuthenticationProvider(authentication, Mqtt);
    try {
      return await settledWithin({ timeoutMs: REQUEST_TIMEOUT_MS, what: 'The hub’s answer' }, async () => {
        await client.setOptions({ http: { agent } });
        return send(client);
      });
    } catch (error) {
      throw uploadError(error);
    } finally {
      authentication.stop();
      agent.destroy();
    }
  }

  /** The SDK takes a port in HostName for part of the name; what the agent says overrides it. */
  private agent(): Agent {
    const { hostname, port } = new URL(`https://${this.credentials.hostName}/`);
    return new Agent({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 443),
      ...(this.ca ? { ca: this.ca } : {}),
    });
  }
}

/** The SDK counts the characters of a request, not its bytes: the hub would see a name that is not ASCII cut off. */
function assertSendable(blobName: string): void {
  if (/^[\x20-\x7e]+$/.test(blobName)) return;
  throw new AppError('UPLOAD.NAME_INVALID', 'The blob name must be of ASCII characters, and not empty.', {
    hint: 'Choose another name.',
  });
}

function uploadError(error: unknown): AppError {
  const statusCode = responseStatusOf(error);
  // The SDK's error holds the request with its token, so it is not passed on as the cause.
  const reason = error instanceof Error ? error.message : String(error);
  if (statusCode === undefined) {
    return new AppError('UPLOAD.UNREACHABLE', `The hub gave no usable answer about a file upload: ${reason}`, {
      hint: 'Check the network, and that the hub’s certificate is trusted: CA_FILE names the file of its certificate authority.',
    });
  }
  return new AppError('UPLOAD.REFUSED', `The hub refused the file upload with status ${statusCode}: ${reason}.`, {
    hint: 'Check that a storage account is configured for file upload in the hub, and that fewer than 10 uploads are open.',
    details: { hub_status: statusCode },
  });
}

function responseStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  return (error.response as { statusCode?: number } | undefined)?.statusCode;
}
