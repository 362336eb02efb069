import { z } from 'zod';
import { HubError } from '../hub/errors/hub-errors.js';
import type { JsonObject } from '../hub/json.js';
import { authenticationSchema, identityIdSchema } from '../hub/registry/identity-input.js';
import { routingSchema } from '../hub/routing/routing-config.js';
import { checkProperties, checkSectionSize, type TwinSection } from '../hub/twins/twin-limits.js';

const section = (name: TwinSection) =>
  z.record(z.string(), z.json()).superRefine((value, context) => {
    const properties = value as JsonObject;
    try {
      checkProperties(name, properties);
      checkSectionSize(name, properties);
    } catch (cause) {
      if (!(cause instanceof HubError)) throw cause;
      context.addIssue({ code: 'custom', message: cause.message });
    }
  });

const seedDeviceSchema = z.strictObject({
  deviceId: identityIdSchema,
  status: z.enum(['enabled', 'disabled']).optional(),
  statusReason: z.string().max(128).optional(),
  authentication: authenticationSchema.strict().optional(),
  tags: section('tags').optional(),
  properties: z.strictObject({ desired: section('desired').optional() }).optional(),
});

const devicesSchema = z.array(seedDeviceSchema).superRefine((devices, context) => {
  const known = new Set<string>();
  for (const [index, { deviceId }] of devices.entries()) {
    if (known.has(deviceId)) {
      context.addIssue({ code: 'custom', path: [index, 'deviceId'], message: `${deviceId} is already in the list` });
    }
    known.add(deviceId);
  }
});

/**
 * Checks a seed. Unknown members are refused: a misspelt one would silently do nothing.
 *
 * @param givenEndpoints names of endpoints that are given beside it.
 */
export const seedSchema = (givenEndpoints: readonly string[] = []) =>
  z
    .strictObject({
      devices: devicesSchema,
      /** Authorities of devices' X.509 certificates: PEM texts, or files of them, seen from the seed's own. */
      caCertificates: z.array(z.string().min(1)).optional(),
      /** As in ARM. */
      properties: z.strictObject({ routing: routingSchema(givenEndpoints).optional() }).optional(),
      /** In place of `properties.routing`: a file of it, seen from the seed's own. */
      routingFile: z.string().min(1).optional(),
    })
    .refine(({ properties, routingFile }) => properties?.routing === undefined || routingFile === undefined, {
      path: ['routingFile'],
      message: 'cannot stand beside properties.routing',
    });

/**
 * What a hub is to begin with. Devices have the members of an identity and a twin, as IoT Hub writes them; keys that are
 * left out are generated. Routing is as ARM writes it.
 */
export type IotHubSeed = z.input<ReturnType<typeof seedSchema>>;
export type SeedDevice = z.output<typeof seedDeviceSchema>;
