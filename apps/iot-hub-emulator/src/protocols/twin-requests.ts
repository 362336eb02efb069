import { HubError } from '../hub/errors/hub-errors.js';
import type { Hub } from '../hub/hub.js';
import type { Identity } from '../hub/identity.js';
import { parseJson } from '../hub/parse-json.js';
import { getDeviceTwin, patchReported } from '../hub/twins/device-twin.js';
import { utcText } from '../hub/clock.js';

/** What the device speaks, for the metrics. */
type Protocol = 'mqtt' | 'amqp';

/** The answer to a device's twin request, for topic or annotations and body of its reply. */
export interface TwinAnswer {
  readonly status: number;
  /** The new `$version` of the reported properties. */
  readonly version?: number;
  readonly body: string;
}

/** Answers 200 with both property collections, or an error. Never rejects for what the hub refuses. */
export const answerTwinGet = (hub: Hub, identity: Identity, protocol: Protocol): Promise<TwinAnswer> =>
  answer(hub, identity, protocol, () =>
    Promise.resolve({ status: 200, body: JSON.stringify(getDeviceTwin(hub, identity)) }),
  );

/** Answers 204 with the new version once the patch is stored, or an error. Never rejects for what the hub refuses. */
export const answerTwinReport = (
  hub: Hub,
  identity: Identity,
  protocol: Protocol,
  body: Uint8Array,
): Promise<TwinAnswer> =>
  answer(hub, identity, protocol, async () => ({
    status: 204,
    version: await patchReported(hub, identity, parseJson(body)),
    body: '',
  }));

/** Errors are told twice, by status and by body: the Node SDK looks only at the body, others only at the status. */
async function answer(
  hub: Hub,
  identity: Identity,
  protocol: Protocol,
  work: () => Promise<TwinAnswer>,
): Promise<TwinAnswer> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    const { errorName, code, reason } = cause;
    hub.metrics.refusals.add(protocol, errorName);
    hub.logger.warn({ ...identity, error: errorName, code, reason }, 'Twin request refused');
    const error = { errorCode: cause.code, message: cause.message, timestampUtc: utcText(hub.clock.nowMs()) };
    return { status: cause.status, body: JSON.stringify(error) };
  }
}
