import { withCapture } from './with-capture.js';
import type { CommandContext } from './command-context.js';
import { printJson } from './print-json.js';

/** Prints a JSON list of `{index, name}`. */
export async function listCamerasCommand(_options: object, context: CommandContext): Promise<void> {
  printJson(await withCapture(context, (capture) => capture.listCameras()));
}
