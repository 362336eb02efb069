import { utcText } from '../clock.js';
import type { Hub } from '../hub.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { CountQuery } from '../query/count-query.js';
import { readTarget } from '../query/target-condition.js';
import { compileMetric, compileTargetCondition } from './configuration-queries.js';

/** A row of `configurations`. */
export interface ConfigurationRow {
  readonly configuration_id: string;
  readonly version: number;
  readonly schema_version: string;
  /** JSON text, as are content and metric queries; `null` where there are none. */
  readonly labels: string;
  readonly content: string;
  readonly target_condition: string;
  readonly priority: number;
  readonly metric_queries: string;
  readonly created_ms: number;
  readonly last_updated_ms: number;
}

/** A configuration's JSON. */
export type Configuration = JsonObject & { etag: string };

/** The etag of a configuration: its version's digits in base64, `MQ==` for 1. */
export const configurationEtag = ({ version }: ConfigurationRow): string =>
  Buffer.from(String(version)).toString('base64');

/**
 * A configuration as services see it. Metrics are counted now; the real hub does so every five minutes. Nothing is applied
 * to devices, so that no device counts as configured.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/configuration/get
 */
export function toConfiguration(hub: Pick<Hub, 'store'>, row: ConfigurationRow): Configuration {
  const id = row.configuration_id;
  const content = JSON.parse(row.content) as JsonObject;
  const queries = JSON.parse(row.metric_queries) as Record<string, string>;
  const results = Object.entries(queries).map(([name, query]) => [name, count(hub, compileMetric(query))]);
  return {
    id,
    schemaVersion: row.schema_version,
    labels: JSON.parse(row.labels) as JsonValue,
    content,
    targetCondition: row.target_condition,
    createdTimeUtc: utcText(row.created_ms),
    lastUpdatedTimeUtc: utcText(row.last_updated_ms),
    priority: row.priority,
    systemMetrics: systemMetrics(hub, row, content),
    metrics: { results: Object.fromEntries(results) as JsonObject, queries },
    etag: configurationEtag(row),
  };
}

function systemMetrics(hub: Pick<Hub, 'store'>, row: ConfigurationRow, content: JsonObject): JsonObject {
  const { configuration_id: id, target_condition: target } = row;
  const ofEdge = content.modulesContent !== undefined;
  const { source, condition } = readTarget(target);
  const applied = `configurations.[[${id}]].status = 'Applied'`;
  // `*` and an empty condition are not of the query language.
  const targeted = condition === '' ? 'false' : condition === '*' ? 'true' : condition;
  return {
    results: {
      targetedCount: ofEdge ? 0 : count(hub, compileTargetCondition(target)),
      appliedCount: 0,
      ...(ofEdge && { reportedSuccessfulCount: 0, reportedFailedCount: 0 }),
    },
    queries: ofEdge
      ? {
          targetedCount: `select deviceId from devices where capabilities.iotEdge = true and (${targeted})`,
          appliedCount: `select deviceId from devices.modules where moduleId = '$edgeAgent' and ${applied}`,
        }
      : {
          targetedCount: `select deviceId from ${source} where ${targeted}`,
          appliedCount: `select deviceId from ${source} where ${applied}`,
        },
  };
}

function count({ store }: Pick<Hub, 'store'>, { sql, parameters }: CountQuery): number {
  // Prepared anew: the store keeps its statements for ever, and there is no end to the texts of callers.
  return (store.database.prepare(sql).get(...parameters) as { count: number }).count;
}
