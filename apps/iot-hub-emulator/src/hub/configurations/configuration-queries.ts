import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';
import { compileCountQuery, type CountQuery } from '../query/count-query.js';
import type { Expression } from '../query/query-ast.js';
import { compileTarget, countTarget, readTarget } from '../query/target-condition.js';
import { withoutPrefix } from '../query/twin-collection.js';
import { invalidInput } from '../registry/identity-input.js';

/**
 * Counts the devices or modules that a target condition means.
 *
 * @throws {@link HubError} `ArgumentInvalid` with position and reason.
 */
export const compileTargetCondition = (text: string): CountQuery => countTarget(compileTarget(text, checkNames));

/**
 * What is wrong with a target condition, if anything.
 *
 * @param ofModules whether the configuration is for modules; undefined for either.
 */
export function targetProblem(text: string, ofModules?: boolean): string | undefined {
  if (ofModules !== undefined && text.trim() !== '' && (readTarget(text).source === 'devices.modules') !== ofModules) {
    return ofModules
      ? 'The target condition of moduleContent begins with FROM devices.modules.'
      : 'FROM devices.modules is for moduleContent alone.';
  }
  return problemOf(() => compileTargetCondition(text));
}

/** What IoT Hub takes for a metric without its FROM: all devices. */
const ALL = /^\s*select\s+\*\s*$/i;

/** Counts what the query of a metric means. @throws {@link HubError} `ArgumentInvalid` with position and reason. */
export const compileMetric = (query: string): CountQuery =>
  compileCountQuery(ALL.test(query) ? `${query} FROM devices` : query);

/** What is wrong with the query of a metric, if anything. */
export const metricProblem = (query: string): string | undefined => problemOf(() => compileMetric(query));

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (cause) {
    if (cause instanceof HubError) return cause.message;
    throw cause;
  }
}

/** "Target conditions may only reference deviceId, tags and properties.reported": so the hub refuses them. */
function checkNames(expression: Expression): void {
  switch (expression.kind) {
    case 'constant':
      return;
    case 'path': {
      const [first = '', second = ''] = withoutPrefix(expression.segments, [['devices', 'modules'], ['devices']]);
      const name = first.toLowerCase();
      if (name === 'deviceid' || name === 'moduleid' || name === 'tags') return;
      if (name === 'properties' && second.toLowerCase() === 'reported') return;
      throw new HubError(
        'ArgumentInvalid',
        `A target condition can ask for deviceId, tags and properties.reported, not for ${expression.segments.join('.')}.`,
      );
    }
    case 'not':
    case 'membership':
      checkNames(expression.operand);
      return;
    case 'and':
    case 'or':
    case 'call':
      expression.operands.forEach(checkNames);
      return;
    case 'comparison':
    case 'arithmetic':
      checkNames(expression.left);
      checkNames(expression.right);
  }
}

const testSchema = z.object({
  targetCondition: z.string().nullish(),
  customMetricQueries: z.record(z.string(), z.string()).nullish(),
});

/** What is wrong with the queries of a configuration that is yet to be written. */
export interface TestedQueries {
  readonly targetConditionError?: string;
  /** By the names of the metrics; those without error are left out. */
  readonly customMetricQueryErrors: Readonly<Record<string, string>>;
}

/**
 * Tests the queries of a configuration. What is wrong with them is part of the answer, not a refusal.
 *
 * @param body parsed JSON, not yet checked.
 * @throws {@link HubError} `ArgumentInvalid` when the body has another shape.
 * @see https://learn.microsoft.com/rest/api/iothub/service/configuration/test-queries
 */
export function testConfigurationQueries(body: unknown): TestedQueries {
  const parsed = testSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const { targetCondition, customMetricQueries } = parsed.data;
  const targetConditionError = targetCondition == null ? undefined : targetProblem(targetCondition);
  const errors = Object.entries(customMetricQueries ?? {}).flatMap(([name, query]): [string, string][] => {
    const problem = metricProblem(query);
    return problem === undefined ? [] : [[name, problem]];
  });
  return {
    ...(targetConditionError !== undefined && { targetConditionError }),
    customMetricQueryErrors: Object.fromEntries(errors),
  };
}
