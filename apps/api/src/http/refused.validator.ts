import { registerDecorator } from 'class-validator';

/** Refuses a field that callers may expect to work, and says what to do in its place. */
export function Refused(message: string): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'refused',
      target: target.constructor,
      propertyName: String(property),
      options: { message },
      validator: { validate: (value: unknown) => value === undefined },
    });
  };
}
