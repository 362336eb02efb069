/** Names from before there were modules. */
export {
  createIdentity as createDevice,
  updateIdentity as updateDevice,
  deleteIdentity as deleteDevice,
  getIdentity as getDevice,
  listDevices,
} from './identities.js';
