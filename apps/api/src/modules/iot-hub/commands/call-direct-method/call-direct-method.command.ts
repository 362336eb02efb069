import type { DirectMethodCall, DirectMethodResult } from '#libs/iot-hub/service';
import { Command } from '@nestjs/cqrs';

export class CallDirectMethodCommand extends Command<DirectMethodResult> {
  constructor(
    /** Undefined means the default device. */
    readonly deviceId: string | undefined,
    readonly call: DirectMethodCall,
  ) {
    super();
  }
}
