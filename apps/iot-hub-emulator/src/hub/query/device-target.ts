import { compileCondition } from './condition-compiler.js';
import { parseCondition } from './parser.js';
import { SqlParameters, type SqlValue } from './sql-parameters.js';
import { DEVICES } from './twin-collection.js';

/** Which devices are meant, as SQL. */
export interface DeviceTarget {
  /** A condition over a row of `identities` that is a device. */
  readonly condition: string;
  readonly parameters: readonly SqlValue[];
}

/**
 * Translates a condition that stands alone; `*` means every device.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 */
export function compileTarget(text: string): DeviceTarget {
  if (text.trim() === '*') return { condition: '1', parameters: [] };
  const parameters = new SqlParameters();
  const condition = compileCondition(parseCondition(text), { collection: DEVICES, parameters });
  return { condition, parameters: parameters.values };
}
