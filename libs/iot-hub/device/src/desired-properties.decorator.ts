import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { DesiredPropertiesContext } from './desired-properties.context.js';
import { DESIRED_PROPERTIES_PATTERN, IOT_HUB_DEVICE_TRANSPORT } from './transport-id.js';
import type { TwinProperties } from './twin-patch.js';

/**
 * Makes a controller's method take the twin's desired properties: all of them, after each connect and after each change.
 * Calls come one after the other, so what came last is what holds. The second argument, a
 * {@link DesiredPropertiesContext}, has the change alone.
 */
export function DesiredProperties() {
  return <Handler extends (desired: TwinProperties, context: DesiredPropertiesContext) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Handler>,
  ): void => {
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    const onEvent = EventPattern(DESIRED_PROPERTIES_PATTERN, IOT_HUB_DEVICE_TRANSPORT) as MethodDecorator;
    onEvent(target, key, descriptor);
  };
}
