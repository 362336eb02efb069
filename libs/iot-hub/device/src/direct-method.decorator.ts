import { applyDecorators, UseFilters, UsePipes } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import type { DirectMethodContract } from '#libs/contracts';
import type { DirectMethodContext } from './direct-method.context.js';
import { DirectMethodExceptionFilter } from './direct-method-exception.filter.js';
import { DirectMethodPayloadPipe } from './direct-method-payload.pipe.js';
import { IOT_HUB_DEVICE_TRANSPORT } from './transport-id.js';

/**
 * Makes a controller's method the handler of a direct method. It takes the payload, checked against the contract, and
 * the {@link DirectMethodContext}; what it returns is the reply's payload, with status 200. What it throws becomes the
 * reply too: see {@link IotHubDeviceStrategyOptions.failureStatuses}.
 *
 * ```ts
 * @DirectMethod(reboot)
 * async reboot({ delay_seconds }: RebootPayload): Promise<RebootReply> { … }
 * ```
 */
export function DirectMethod<Request extends object, Reply extends object>(
  contract: DirectMethodContract<Request, Reply>,
) {
  return <
    Handler extends (payload: Request, context: DirectMethodContext) => Reply | Promise<Reply> | Observable<Reply>,
  >(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Handler>,
  ): void => {
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    applyDecorators(
      MessagePattern(contract.name, IOT_HUB_DEVICE_TRANSPORT),
      UsePipes(new DirectMethodPayloadPipe(contract.payload)),
      UseFilters(DirectMethodExceptionFilter),
    )(target, key, descriptor);
  };
}
