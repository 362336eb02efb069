import type { DeviceTwin, TwinPatch } from '#libs/iot-hub/service';
import { Command } from '@nestjs/cqrs';

export class UpdateDeviceTwinCommand extends Command<DeviceTwin> {
  constructor(
    /** Undefined means the default device. */
    readonly deviceId: string | undefined,
    readonly patch: TwinPatch,
    /** Only if the twin still has this one. */
    readonly etag: string | undefined,
  ) {
    super();
  }
}
