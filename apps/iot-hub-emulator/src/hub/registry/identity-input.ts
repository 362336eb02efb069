import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';

/** Rule for the ids of devices, and of modules. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-identity-registry#device-identity-properties */
const IDENTITY_ID = /^[A-Za-z0-9\-.%_#*?!(),:=@$']{1,128}$/;

/** The id of a device or module as IoT Hub allows it. */
export const identityIdSchema = z
  .string()
  .regex(IDENTITY_ID, "must be 1 to 128 characters of ASCII letters, digits and - . % _ # * ? ! ( ) , : = @ $ '");

const key = z
  .string()
  .refine((text) => text === '' || isKey(text), 'must be base64 of 16 to 64 bytes, or empty to have one generated')
  .nullish();
const thumbprint = z
  .string()
  .regex(/^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})?$/, 'must be a SHA-1 or SHA-256 thumbprint in hex digits')
  .nullish();

/** How a device or module proves itself, as in identity JSON. */
export const authenticationSchema = z.object({
  type: z.enum(['sas', 'selfSigned', 'certificateAuthority']).nullish(),
  symmetricKey: z.object({ primaryKey: key, secondaryKey: key }).nullish(),
  x509Thumbprint: z.object({ primaryThumbprint: thumbprint, secondaryThumbprint: thumbprint }).nullish(),
});

const identityInputSchema = z.object({
  deviceId: identityIdSchema,
  moduleId: identityIdSchema.optional(),
  managedBy: z.string().max(128).nullish(),
  status: z.enum(['enabled', 'disabled']).nullish(),
  statusReason: z.string().max(128).nullish(),
  authentication: authenticationSchema.nullish(),
  capabilities: z.object({ iotEdge: z.boolean().nullish() }).nullish(),
  deviceScope: z.string().nullish(),
  parentScopes: z.array(z.string()).nullish(),
});

/** What a caller may say of a device or module; read-only members of identity JSON are left alone. */
export type IdentityInput = z.infer<typeof identityInputSchema>;

/** Checks parsed identity JSON. @throws {@link HubError} `ArgumentInvalid`, `NotImplemented` for IoT Edge devices. */
export function readIdentityInput(body: unknown): IdentityInput {
  const result = identityInputSchema.safeParse(body);
  if (!result.success) throw invalidInput(result.error);
  refuseEdge(result.data);
  return result.data;
}

function refuseEdge({ capabilities, deviceScope, parentScopes }: IdentityInput): void {
  if (capabilities?.iotEdge === true || (deviceScope ?? '') !== '' || (parentScopes ?? []).length > 0) {
    throw new HubError('NotImplemented', 'IoT Edge devices and device scopes are not implemented by this emulator.');
  }
}

/** The problems of a checked body in one sentence: path and rule of each. */
export function invalidInput(error: z.ZodError): HubError {
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  return new HubError('ArgumentInvalid', problems.join('; '));
}

function isKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text && bytes.length >= 16 && bytes.length <= 64;
}
