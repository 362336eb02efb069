import { HubError } from './hub-errors.js';

/** What IoT Hub does and this emulator does not, refused by its name. @param operation in the plural, to begin a sentence. */
export const notImplemented = (operation: string): HubError =>
  new HubError('NotImplemented', `${operation}: not implemented by this emulator.`);
