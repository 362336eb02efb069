import { IotHubApi } from './generated/apis/index.js';
import type {
  CallDirectMethodRequest,
  DeviceResponse,
  DeviceTwinResponse,
  RegisterDeviceRequest,
  RegisteredDeviceResponse,
  UpdateDeviceTwinRequest,
} from './generated/models/index.js';
import { Pages } from './pages.js';
import { checkPathSegment } from './path-segment.js';
import type { CallOptions, Transport } from './transport.js';

const DEFAULT_RESPONSE_TIMEOUT_SECONDS = 30;

/** A call of a device's method. */
export interface DirectMethodCall extends Omit<CallDirectMethodRequest, 'payload'> {
  /** What the method is given: any JSON, up to 128 KiB. */
  payload?: unknown;
}

/** What a device has answered to a call of its method. */
export interface DirectMethodReply<Payload = unknown> {
  /** The device's own status, by custom like HTTP's: 200 is success, 400 a payload it does not accept. */
  status: number;
  payload: Payload;
}

/** Which devices to list. */
export interface ListDevicesParams {
  /** How many devices a page has at most; 1 to 1000, by default 100. */
  limit?: number | undefined;
  /** Where to begin: that of a page before. */
  continuation_token?: string | undefined;
}

/** Names a device. */
export interface DeviceParams {
  device_id: string;
}

/** Whose twin to show. */
export interface GetDeviceTwinParams {
  /** The device; by default that of the API's settings. */
  device_id?: string | undefined;
}

/** What to change of a twin. */
export interface UpdateDeviceTwinParams extends UpdateDeviceTwinRequest {
  /** The device; by default that of the API's settings. */
  device_id?: string | undefined;
  /** Change the twin only if it still has this `etag`; else the call fails with `DEVICE_TWIN.CHANGED`. */
  if_match?: string | undefined;
}

/** Devices, device twins and direct methods. */
export class IotHubClient {
  readonly #api: IotHubApi;
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#api = new IotHubApi(transport.configuration);
    this.#transport = transport;
  }

  /**
   * Calls a direct method of a device and gives what the device answers, its failures included: look at `status`.
   *
   * `Payload` is what you expect the device to answer; it is not checked. The time that the call gives the device
   * (`response_timeout_seconds` and `connect_timeout_seconds`) is added to the client's `timeoutMs`.
   *
   * @throws {@link SpyglassError} `DEVICE.NOT_FOUND`, `DEVICE.NOT_ONLINE`, `DEVICE.NOT_LISTENING`, `DEVICE.TIMEOUT` when no
   * device has answered
   */
  callDirectMethod<Payload = unknown>(
    call: DirectMethodCall,
    options: CallOptions = {},
  ): Promise<DirectMethodReply<Payload>> {
    const {
      response_timeout_seconds: response = DEFAULT_RESPONSE_TIMEOUT_SECONDS,
      connect_timeout_seconds: connect = 0,
    } = call;
    const timeoutMs = this.#transport.timeoutMs && this.#transport.timeoutMs + (response + connect) * 1000;
    return this.#transport.call(
      (init) =>
        this.#api.callDirectMethod({ CallDirectMethodRequest: call as CallDirectMethodRequest }, init) as Promise<
          DirectMethodReply<Payload>
        >,
      { timeoutMs, ...options },
    );
  }

  /** Lists the devices with their connection state. */
  listDevices(params: ListDevicesParams = {}, options?: CallOptions): Pages<DeviceResponse> {
    return new Pages(params.continuation_token, (continuation_token) =>
      this.#transport.call((init) => this.#api.listDevices({ ...params, continuation_token }, init), options),
    );
  }

  /**
   * Registers a device and gives, this once, the connection string that it signs in with.
   *
   * @throws {@link SpyglassError} `DEVICE.ALREADY_EXISTS`
   */
  registerDevice(device: RegisterDeviceRequest, options?: CallOptions): Promise<RegisteredDeviceResponse> {
    return this.#transport.call((init) => this.#api.registerDevice({ RegisterDeviceRequest: device }, init), options);
  }

  /**
   * Shows one device.
   *
   * @throws {@link SpyglassError} `DEVICE.NOT_FOUND`
   */
  async getDevice(params: DeviceParams, options?: CallOptions): Promise<DeviceResponse> {
    checkPathSegment('device_id', params.device_id);
    return this.#transport.call((init) => this.#api.getDevice(params, init), options);
  }

  /**
   * Removes a device with its twin and its credentials.
   *
   * @throws {@link SpyglassError} `DEVICE.NOT_FOUND`
   */
  async removeDevice(params: DeviceParams, options?: CallOptions): Promise<void> {
    checkPathSegment('device_id', params.device_id);
    return this.#transport.call((init) => this.#api.removeDevice(params, init), options);
  }

  /**
   * Shows a device's twin as the service sees it.
   *
   * @throws {@link SpyglassError} `DEVICE.NOT_FOUND`
   */
  getDeviceTwin(params: GetDeviceTwinParams = {}, options?: CallOptions): Promise<DeviceTwinResponse> {
    return this.#transport.call((init) => this.#api.getDeviceTwin(params, init), options);
  }

  /**
   * Changes tags and desired properties and gives the changed twin. It merges: null removes a property, objects merge,
   * everything else replaces.
   *
   * @throws {@link SpyglassError} `DEVICE.NOT_FOUND`, `DEVICE_TWIN.CHANGED`
   */
  updateDeviceTwin(params: UpdateDeviceTwinParams, options?: CallOptions): Promise<DeviceTwinResponse> {
    const { device_id, if_match: If_Match, ...UpdateDeviceTwinRequest } = params;
    return this.#transport.call(
      (init) => this.#api.updateDeviceTwin({ device_id, If_Match, UpdateDeviceTwinRequest }, init),
      options,
    );
  }
}
