import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityColumns, type Identity } from '../identity.js';
import { requireIdentity } from '../registry/find-identity.js';

/** Longest model id. @see https://github.com/Azure/opendigitaltwins-dtdl/blob/master/DTDL/v2/DTDL.v2.md#digital-twin-model-identifier */
const MAX_MODEL_ID_LENGTH = 2048;

/**
 * Notes which model a device or module says, when it connects, that it implements: the `modelId` of its twin from now on. A
 * later connection that says nothing leaves it.
 *
 * @throws {@link HubError} `ArgumentInvalid` when the id is too long, `DeviceNotFound`, `ModuleNotFound`.
 * @see https://learn.microsoft.com/azure/iot/concepts-convention#identify-the-model
 */
export function announceModel(hub: Hub, identity: Identity, modelId: string): void {
  if (modelId.length > MAX_MODEL_ID_LENGTH) {
    throw new HubError('ArgumentInvalid', `The model id is longer than ${MAX_MODEL_ID_LENGTH} characters.`);
  }
  if (requireIdentity(hub, identity).model_id === modelId) return;
  hub.store.writeLater(() => {
    hub.store
      .sql('UPDATE identities SET model_id = ? WHERE device_id = ? AND module_id = ?')
      .run(modelId, ...identityColumns(identity));
  });
}
