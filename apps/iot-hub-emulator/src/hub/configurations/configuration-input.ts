import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { invalidInput } from '../registry/identity-input.js';
import { metricProblem, targetProblem } from './configuration-queries.js';

/** Rule for ids. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management#create-a-configuration */
const CONFIGURATION_ID = /^[a-z0-9\-:+%_#*?!(),=@;']{1,128}$/;

/** Custom metrics of one configuration. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management#monitor-a-configuration */
const MAX_METRICS = 5;

const KINDS = ['deviceContent', 'moduleContent', 'modulesContent'] as const;
type ContentKind = (typeof KINDS)[number];

const label = z.string().max(128);

const inputSchema = z.object({
  id: z.string().nullish(),
  schemaVersion: z.string().max(16).nullish(),
  labels: z.record(label, label).nullish(),
  content: z.unknown().optional(),
  targetCondition: z.string().nullish(),
  priority: z.int().min(0).max(2_147_483_647).nullish(),
  metrics: z
    .object({
      queries: z
        .record(z.string().min(1), z.string())
        .refine((queries) => Object.keys(queries).length <= MAX_METRICS, `must be at most ${MAX_METRICS}`)
        .nullish(),
    })
    .nullish(),
});

/** A configuration as services may write it, checked. */
export interface ConfigurationInput {
  readonly schemaVersion: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly content: JsonObject;
  readonly targetCondition: string;
  readonly priority: number;
  readonly metricQueries: Readonly<Record<string, string>>;
}

/**
 * Checks parsed configuration JSON; what the hub itself says of a configuration is left alone.
 *
 * @param id as the path has it.
 * @throws {@link HubError} `ArgumentInvalid`, `InvalidConfigurationContent`, `InvalidConfigurationTargetCondition`,
 *   `InvalidConfigurationCustomMetricsQuery`.
 */
export function readConfiguration(id: string, body: unknown): ConfigurationInput {
  if (!CONFIGURATION_ID.test(id)) {
    throw new HubError('ArgumentInvalid', "A configuration id has 1 to 128 of a-z 0-9 - : + % _ # * ? ! ( ) , = @ ; '");
  }
  const parsed = inputSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const { data } = parsed;
  if (data.id != null && data.id !== id) throw new HubError('ArgumentInvalid', 'id must be the one in the path.');
  const { kind, content } = readContent(data.content);
  const targetCondition = data.targetCondition ?? '';
  const problem = targetProblem(targetCondition, kind === 'moduleContent');
  if (problem !== undefined) throw new HubError('InvalidConfigurationTargetCondition', problem);
  const metricQueries = data.metrics?.queries ?? {};
  for (const [name, query] of Object.entries(metricQueries)) {
    const invalid = metricProblem(query);
    if (invalid !== undefined) throw new HubError('InvalidConfigurationCustomMetricsQuery', `${name}: ${invalid}`);
  }
  return {
    schemaVersion: data.schemaVersion ?? '1.0',
    labels: data.labels ?? null,
    content,
    targetCondition,
    priority: data.priority ?? 0,
    metricQueries,
  };
}

/**
 * Checks the content of a configuration: one of three kinds.
 *
 * @throws {@link HubError} `InvalidConfigurationContent`.
 */
export function readContent(content: unknown): { kind: ContentKind; content: JsonObject } {
  if (!isJsonObject(content)) throw invalidContent('content must be a JSON object.');
  const given = KINDS.filter((kind) => content[kind] != null && !isEmpty(content[kind]));
  const [kind] = given;
  if (kind === undefined || given.length > 1) throw invalidContent(`content needs exactly one of ${KINDS.join(', ')}.`);
  const settings = content[kind];
  if (!isJsonObject(settings)) throw invalidContent(`${kind} must be a JSON object.`);
  if (kind === 'modulesContent') {
    if (settings.$edgeAgent === undefined) throw invalidContent('modulesContent needs $edgeAgent.');
  } else if (Object.keys(settings).some((path) => !/^properties\.desired(?:\.|$)/.test(path))) {
    throw invalidContent(`The names in ${kind} are paths that begin with properties.desired.`);
  }
  return { kind, content: { [kind]: settings } };
}

const isEmpty = (value: JsonValue | undefined): boolean => isJsonObject(value) && Object.keys(value).length === 0;

const invalidContent = (message: string): HubError => new HubError('InvalidConfigurationContent', message);
