import { z } from 'zod';
import { AppError } from './app-error.js';

/** A TCP port; 0 lets the system choose. */
export const portSetting = z.coerce.number().int().min(0).max(65_535);

/** `true`, `1`, `yes` or `on` and their opposites. */
export const flagSetting = z.stringbool();

/** Values separated by commas; blanks around them are dropped. */
export const listSetting = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

/**
 * Reads the variables that `schema` names; an empty variable counts as unset.
 *
 * @throws {@link AppError} `SETTINGS.INVALID` naming every variable that breaks its rule, never a value.
 */
export function loadSettings<Schema extends z.ZodType>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<Schema> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(given, { error: ruleOf });
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message, code }) => {
    const name = path.join('.') || 'settings';
    return code === 'invalid_type' && given[name] === undefined ? `${name}: is required` : `${name}: ${message}`;
  });
  throw new AppError('SETTINGS.INVALID', `Invalid settings:\n  ${problems.join('\n  ')}`, {
    hint: 'Set these environment variables as .env.example describes.',
  });
}

/** The rule that a value broke, in words for whoever sets the variable; undefined leaves zod's own. */
function ruleOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int') return 'must be a whole number';
      return issue.expected === 'number' ? 'must be a number' : undefined;
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return undefined;
  }
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  return origin === 'string' ? `must have ${relation} ${limit} characters` : `must be ${relation} ${limit}`;
}
