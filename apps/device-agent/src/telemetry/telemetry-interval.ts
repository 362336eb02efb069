import { type PropertyAcknowledgement, TELEMETRY_INTERVAL_PROPERTY, TELEMETRY_INTERVAL_SECONDS } from '#libs/contracts';
import type { TwinProperties } from '#libs/iot-hub/device';

const { default: defaultSeconds, min, max } = TELEMETRY_INTERVAL_SECONDS;

/**
 * What the agent makes of the desired interval: it takes a valid one, goes back to its default when there is none, and
 * stays with `currentSeconds` when it is wrong.
 */
export function acknowledgeInterval(desired: TwinProperties, currentSeconds: number): PropertyAcknowledgement<number> {
  const wish = desired[TELEMETRY_INTERVAL_PROPERTY];
  if (wish === undefined) return { value: defaultSeconds, ac: 203, av: 0, ad: null };
  const av = Number(desired.$version);
  if (typeof wish === 'number' && Number.isInteger(wish) && wish >= min && wish <= max) {
    return { value: wish, ac: 200, av, ad: null };
  }
  return {
    value: currentSeconds,
    ac: 400,
    av,
    ad: `${TELEMETRY_INTERVAL_PROPERTY} must be a whole number from ${min} to ${max}.`,
  };
}
