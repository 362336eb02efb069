import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CAPTURE_BACKENDS } from '#libs/capture';
import { MAX_CAMERA_INDEX } from '#libs/contracts';
import { createLogger, failureText, LOG_LEVELS, trustCertificateAuthority } from '#libs/runtime';
import { AGENT_VERSION } from '../agent-version.js';
import { loadDeviceAgentSettings } from '../device-agent.config.js';
import type { CommandContext } from './command-context.js';
import { interruptSignal } from './interrupt-signal.js';

/** The settings that have a flag as well; its value wins over the environment variable. */
const SETTING_FLAGS = {
  caFile: new Option('--ca-file <file>', 'certificate authority (PEM) to trust beside the usual ones (CA_FILE)'),
  mediaRoot: new Option('--media-root <folder>', 'folder that direct methods may read files from (MEDIA_ROOT)'),
  captureBackend: new Option('--capture-backend <name>', 'what decodes cameras and videos (CAPTURE_BACKEND)').choices(
    CAPTURE_BACKENDS,
  ),
  logLevel: new Option('--log-level <level>', 'how much is logged on stderr (AGENT_LOG_LEVEL)').choices(LOG_LEVELS),
};

const EXAMPLES = `
Examples:
  $ device-agent                                      connect, and answer direct methods
  $ device-agent capture-image file --filename people.mp4 --outfile first.jpg
  $ device-agent capture-image camera --index 0 --outfile now.png
  $ device-agent upload-to-blob --file-path README.md --blob-name test
  $ CAMERA_0=people.mp4 device-agent list-cameras

Settings come from environment variables; those that have a flag are named beside it. The others:
  IOT_HUB_DEVICE_CONNECTION_STRING   of the device, for run and upload-to-blob: a secret, so it has no flag
  CAMERA_0, CAMERA_1, …              a video file, stream or test source in place of that camera
  CAPTURE_JPEG_QUALITY, CAPTURE_RESOLUTION, CAPTURE_STRIP_METADATA, CAPTURE_WARM_UP_FRAMES,
  CAPTURE_IDLE_MS, CAPTURE_OPEN_TIMEOUT_MS, CAPTURE_FRAME_TIMEOUT_MS

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

/**
 * Runs the command that `argv` names: results go to stdout, all talk to stderr.
 *
 * @returns the exit code; `run` goes on after that
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const signal = interruptSignal();
  try {
    await createProgram(signal).parseAsync(argv);
    return 0;
  } catch (error) {
    if (signal.aborted) return 130;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(failureText(error));
    return 1;
  }
}

function createProgram(signal: AbortSignal): Command {
  const program = new Command('device-agent')
    .description('Connects cameras to the cloud through Azure IoT Hub.')
    .version(AGENT_VERSION)
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', EXAMPLES);
  for (const flag of Object.values(SETTING_FLAGS)) program.addOption(flag);

  /**
   * Reads the settings once the flags are known, and runs the command with them. Each command is loaded when it is run,
   * since no other command needs what it is made of.
   */
  const withContext =
    <Options extends object>(load: () => Promise<(options: Options, context: CommandContext) => Promise<void>>) =>
    async (options: Options & { verbose?: boolean }): Promise<void> => {
      const flags = program.opts<Partial<Record<keyof typeof SETTING_FLAGS, string>>>();
      const settings = loadDeviceAgentSettings({
        CA_FILE: flags.caFile,
        MEDIA_ROOT: flags.mediaRoot,
        CAPTURE_BACKEND: flags.captureBackend,
        AGENT_LOG_LEVEL: options.verbose ? 'debug' : flags.logLevel,
      });
      if (settings.CA_FILE) trustCertificateAuthority(settings.CA_FILE);
      const logger = createLogger({ name: 'device-agent', level: settings.AGENT_LOG_LEVEL });
      const command = await load();
      await command(options, { settings, logger, signal });
    };

  program
    .command('run', { isDefault: true })
    .description('connect to the hub and answer direct methods until stopped')
    .addOption(verbose())
    .allowExcessArguments()
    .hook('preAction', (_program, run) => {
      refuseArguments(program, run);
    })
    .action(withContext(async () => (await import('./run.command.js')).runCommand));

  const captureImage = program.command('capture-image').description('take one picture and write it to a file');
  captureImage
    .command('file')
    .description('from a picture, or the first frame of a video')
    .option('--filename <file>', 'picture or video to read', 'video.mp4')
    .option('--outfile <file>', 'picture to write: .jpg, .jpeg or .png', 'output.jpg')
    .addOption(verbose())
    .action(withContext(async () => (await import('./capture-image.command.js')).captureImageFromFileCommand));
  captureImage
    .command('camera')
    .description('from a camera')
    .addOption(new Option('--index <number>', 'number of the camera').default(0).argParser(cameraIndex))
    .option('--outfile <file>', 'picture to write: .jpg, .jpeg or .png', 'output.jpg')
    .addOption(verbose())
    .action(withContext(async () => (await import('./capture-image.command.js')).captureImageFromCameraCommand));

  program
    .command('upload-to-blob')
    .description('store a file through the hub’s file upload')
    .option('--file-path <file>', 'file to upload', 'README.md')
    .option('--blob-name <name>', 'name of the blob, without the device id that the hub puts before it', 'test')
    .addOption(verbose())
    .action(withContext(async () => (await import('./upload-to-blob.command.js')).uploadToBlobCommand));

  program
    .command('list-cameras')
    .description('print the cameras that can be captured from, as JSON')
    .addOption(verbose())
    .action(withContext(async () => (await import('./list-cameras.command.js')).listCamerasCommand));
  return program;
}

/** The default command is given whatever is the name of no command. */
function refuseArguments(program: Command, run: Command): void {
  const [argument] = run.args;
  if (argument === undefined) return;
  if (program.args[0] === run.name()) run.error(`error: ${run.name()} takes no arguments`);
  program.error(`error: unknown command '${argument}'`);
}

function verbose(): Option {
  return new Option('--verbose', 'log what happens in detail');
}

function cameraIndex(text: string): number {
  const index = /^\d+$/.test(text) ? Number(text) : -1;
  if (index < 0 || index > MAX_CAMERA_INDEX)
    throw new InvalidArgumentError(`It must be a number from 0 to ${MAX_CAMERA_INDEX}.`);
  return index;
}
