import { z } from 'zod';
import { ROUTE_SOURCES, type RouteSource } from '../messages/message-source.js';
import { HubError } from '../errors/hub-errors.js';
import { readPartitionKeyTemplate } from './partition-key-template.js';
import { readRouteCondition } from './route-condition.js';

/** The built-in endpoint's name in routes. */
export const BUILT_IN_ENDPOINT = 'events';
const RESERVED_NAMES = [BUILT_IN_ENDPOINT, 'fileNotifications', '$default'];

/** Most of each. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const MAX_ROUTES = 100;
export const MAX_CUSTOM_ENDPOINTS = 10;
const MAX_ENRICHMENTS = 10;

const NOT_IMPLEMENTED = 'is not implemented by this emulator';

const name = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, periods, underscores and hyphens');

const source = z.string().superRefine((text, context) => {
  if (Object.hasOwn(ROUTE_SOURCES, text)) return;
  const known = Object.keys(ROUTE_SOURCES).join(', ');
  const message = ['DeviceJobLifecycleEvents', 'DigitalTwinChangeEvents', 'MqttBrokerMessages'].includes(text)
    ? `the source ${text} ${NOT_IMPLEMENTED}; use one of ${known}`
    : `there is no source ${text}; use one of ${known}`;
  context.addIssue({ code: 'custom', message });
}) as unknown as z.ZodType<RouteSource, RouteSource>;

const condition = z.string().superRefine((text, context) => {
  try {
    readRouteCondition(text);
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    context.addIssue({ code: 'custom', message: cause.message });
  }
});

const endpointNames = z.tuple([z.string()], 'must name exactly one endpoint');

const routeSchema = z.strictObject({
  name,
  source,
  condition: condition.default('true'),
  endpointNames,
  isEnabled: z.boolean(),
});

const fallbackRouteSchema = z.strictObject({
  name: z.string().max(64).optional(),
  source: z.literal('DeviceMessages'),
  condition: condition.default('true'),
  endpointNames,
  isEnabled: z.boolean(),
});

const endpointName = name.refine((text) => !RESERVED_NAMES.includes(text), 'is a reserved name');

const partitionKeyTemplate = z.string().superRefine((text, context) => {
  try {
    readPartitionKeyTemplate(text);
  } catch (cause) {
    context.addIssue({ code: 'custom', message: cause instanceof Error ? cause.message : 'cannot be read' });
  }
});

/** A Cosmos DB endpoint as in ARM, with the account's key; parts that only say where it is in Azure are left alone. */
export const cosmosDbEndpointSchema = z
  .strictObject({
    name: endpointName,
    endpointUri: z.url({ protocol: /^https?$/ }).optional(),
    primaryKey: z.string().min(1).optional(),
    secondaryKey: z.string().optional(),
    /** In place of endpoint and key: `AccountEndpoint=…;AccountKey=…;`. */
    connectionString: z.string().optional(),
    databaseName: z.string().min(1),
    containerName: z.string().min(1),
    partitionKeyName: z.string().regex(/^[^/\s]{1,255}$/, 'must be the name of one property, without slash'),
    partitionKeyTemplate: partitionKeyTemplate.default('{deviceid}-{YYYY}-{MM}'),
    authenticationType: z
      .string()
      .refine((text) => text.toLowerCase() === 'keybased', `of another kind than keyBased ${NOT_IMPLEMENTED}`)
      .optional(),
    id: z.string().optional(),
    subscriptionId: z.string().optional(),
    resourceGroup: z.string().optional(),
  })
  .superRefine(({ connectionString, endpointUri, primaryKey }, context) => {
    if (connectionString === undefined ? endpointUri === undefined || primaryKey === undefined : !!endpointUri) {
      context.addIssue({ code: 'custom', message: 'needs endpointUri and primaryKey, or else a connectionString' });
    } else if (
      connectionString !== undefined &&
      !/^(?=.*AccountEndpoint=.)(?=.*AccountKey=.)/i.test(connectionString)
    ) {
      const message = 'must be of the form AccountEndpoint=…;AccountKey=…;';
      context.addIssue({ code: 'custom', path: ['connectionString'], message });
    }
  });

const noneOf = (what: string) => z.array(z.unknown()).max(0, `${what} ${NOT_IMPLEMENTED}`).optional();

const endpointsSchema = z.strictObject({
  cosmosDBSqlContainers: z.array(cosmosDbEndpointSchema).max(MAX_CUSTOM_ENDPOINTS).optional(),
  eventHubs: noneOf('an Event Hubs endpoint'),
  serviceBusQueues: noneOf('a Service Bus queue endpoint'),
  serviceBusTopics: noneOf('a Service Bus topic endpoint'),
  storageContainers: noneOf('a storage endpoint'),
});

/** What stands for something: the hub's name, or a part of the twin. */
const VARIABLE = /^\$(?:iothubname$|twin\.(?:tags|properties\.desired|properties\.reported)\.)/i;

const enrichmentSchema = z.strictObject({
  key: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be letters, digits, periods, underscores and hyphens'),
  value: z
    .string()
    .min(1)
    .refine(
      (text) => !/^\$(?:iothubname|twin)\b/i.test(text) || VARIABLE.test(text),
      'must be a text, $iothubname, or a path in $twin.tags, $twin.properties.desired or $twin.properties.reported',
    ),
  endpointNames: z.array(z.string()).min(1),
});

/**
 * Checks the content of `properties.routing` as ARM has it.
 *
 * @param givenEndpoints names of endpoints that are given beside it.
 * @see https://learn.microsoft.com/azure/templates/microsoft.devices/iothubs#routingproperties
 */
export const routingSchema = (givenEndpoints: readonly string[] = []) =>
  z
    .strictObject({
      endpoints: endpointsSchema.optional(),
      routes: z.array(routeSchema).max(MAX_ROUTES).default([]),
      fallbackRoute: fallbackRouteSchema.optional(),
      enrichments: z.array(enrichmentSchema).max(MAX_ENRICHMENTS).optional(),
    })
    .superRefine(({ endpoints, routes, fallbackRoute, enrichments }, context) => {
      const problem = (path: PropertyKey[], message: string) => {
        context.addIssue({ code: 'custom', path, message });
      };
      const known = new Set([BUILT_IN_ENDPOINT, ...givenEndpoints]);
      for (const [index, endpoint] of (endpoints?.cosmosDBSqlContainers ?? []).entries()) {
        if (known.has(endpoint.name)) {
          problem(['endpoints', 'cosmosDBSqlContainers', index, 'name'], `there is another endpoint ${endpoint.name}`);
        }
        known.add(endpoint.name);
      }
      const checkEndpoint = (path: PropertyKey[], endpoint: string, place = 0) => {
        if (known.has(endpoint)) return;
        problem(
          [...path, 'endpointNames', place],
          `there is no endpoint ${endpoint}; there is ${[...known].join(', ')}`,
        );
      };
      const routeNames = new Set<string>();
      for (const [index, route] of routes.entries()) {
        if (routeNames.has(route.name)) problem(['routes', index, 'name'], `there is another route ${route.name}`);
        routeNames.add(route.name);
        checkEndpoint(['routes', index], route.endpointNames[0]);
      }
      if (fallbackRoute) checkEndpoint(['fallbackRoute'], fallbackRoute.endpointNames[0]);
      for (const [index, { endpointNames: names }] of (enrichments ?? []).entries()) {
        for (const [place, endpoint] of names.entries()) checkEndpoint(['enrichments', index], endpoint, place);
      }
    });

/** Routes, fallback and endpoints as written by people. */
export type IotHubRouting = z.input<ReturnType<typeof routingSchema>>;
/** A Cosmos DB endpoint as written by people. */
export type CosmosDbEndpoint = z.input<typeof cosmosDbEndpointSchema>;

export type CheckedRouting = z.output<ReturnType<typeof routingSchema>>;
export type CheckedCosmosDbEndpoint = z.output<typeof cosmosDbEndpointSchema>;
export type Route = CheckedRouting['routes'][number];

/** What a hub has that was told nothing else: telemetry goes to the built-in endpoint. */
export const DEFAULT_ROUTING: CheckedRouting = {
  routes: [],
  fallbackRoute: {
    name: '$fallback',
    source: 'DeviceMessages',
    condition: 'true',
    endpointNames: [BUILT_IN_ENDPOINT],
    isEnabled: true,
  },
};
