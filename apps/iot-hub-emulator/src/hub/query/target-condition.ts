import type { Collection } from './collection.js';
import { compileCondition } from './condition-compiler.js';
import type { CountQuery } from './count-query.js';
import { parseCondition } from './parser.js';
import type { Expression } from './query-ast.js';
import { SqlParameters, type SqlValue } from './sql-parameters.js';
import { DEVICES, MODULES } from './twin-collection.js';

/** Conditions over modules name their collection, as in `FROM devices.modules WHERE moduleId = 'lens'`. */
const FROM_MODULES = /^\s*from\s+devices\.modules(?:\s+where\s(?=\s*\S)|\s*$)/i;

/** Which devices or modules are meant, as SQL. */
export interface Target {
  readonly collection: Collection;
  /** A condition over a row of the collection. */
  readonly condition: string;
  readonly parameters: readonly SqlValue[];
}

/** A target's condition, apart from the collection it names: `devices` where it names none. */
export function readTarget(text: string): { source: 'devices' | 'devices.modules'; condition: string } {
  const prefix = FROM_MODULES.exec(text)?.[0];
  if (prefix === undefined) return { source: 'devices', condition: text.trim() };
  return { source: 'devices.modules', condition: text.slice(prefix.length).trim() || '*' };
}

/**
 * Translates the condition of a job or a configuration: `*` means all, an empty one none.
 *
 * @param check looks at the condition before it is translated.
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 */
export function compileTarget(text: string, check?: (condition: Expression) => void): Target {
  const { source, condition } = readTarget(text);
  const collection = source === 'devices' ? DEVICES : MODULES;
  if (condition === '' || condition === '*') {
    return { collection, condition: condition === '*' ? '1' : '0', parameters: [] };
  }
  // Blanks in place of what stands before, so that positions are those of the whole text.
  const expression = parseCondition(text.replace(FROM_MODULES, (prefix) => ' '.repeat(prefix.length)));
  check?.(expression);
  const parameters = new SqlParameters();
  return {
    collection,
    condition: compileCondition(expression, { collection, parameters }),
    parameters: parameters.values,
  };
}

/** SQL that counts a target. */
export function countTarget({ collection: { table, belongs }, condition, parameters }: Target): CountQuery {
  return { sql: `SELECT count(*) AS count FROM ${table} WHERE ${belongs} AND ${condition}`, parameters };
}
