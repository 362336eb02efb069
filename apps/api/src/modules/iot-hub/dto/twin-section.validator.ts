import { registerDecorator } from 'class-validator';

/** How deep a twin may be nested. See https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins */
const MAX_DEPTH = 10;

const MAX_NAME_LENGTH = 1024;

/** Not in a name: control characters, dot, dollar and blank. */
const FORBIDDEN_IN_NAME = /[\p{Cc}.$ ]/u;

/** Requires a JSON object that IoT Hub accepts as tags or desired properties; null removes a property. */
export function IsTwinSection(): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'isTwinSection',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value: unknown) => findFlaw(value, 1) === undefined,
        defaultMessage: (argument) => `$property ${findFlaw(argument?.value, 1) ?? 'is not valid'}`,
      },
    });
  };
}

function findFlaw(value: unknown, depth: number): string | undefined {
  if (!isObject(value)) return depth === 1 ? 'must be a JSON object' : undefined;
  if (depth > MAX_DEPTH) return `must not be nested more than ${MAX_DEPTH} deep`;
  for (const [name, entry] of Object.entries(value)) {
    if (name.length > MAX_NAME_LENGTH) return `must not have names longer than ${MAX_NAME_LENGTH} characters`;
    if (FORBIDDEN_IN_NAME.test(name))
      return 'must not have names that hold a dot, a dollar, a blank or a control character';
    const flaw = findFlaw(entry, depth + 1);
    if (flaw) return flaw;
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
