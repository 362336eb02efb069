import { BaseRpcContext } from '@nestjs/microservices';
import type { TwinProperties } from './twin-patch.js';

/** What a handler of desired properties is told beside the properties. */
export class DesiredPropertiesContext extends BaseRpcContext<[patch: TwinProperties | undefined]> {
  /** Only what changed, null for what was removed; undefined after a connect, when anything may have changed. */
  get patch(): TwinProperties | undefined {
    return this.getArgs()[0];
  }
}
