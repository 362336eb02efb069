import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';

/** A seed or a file of routes that cannot be used. The message has one line for each problem, naming file, line and path. */
export class SeedError extends Error {
  constructor(problems: readonly string[], options: ErrorOptions & { what?: string } = {}) {
    const { what = 'seed' } = options;
    super(`The ${what} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, options);
    this.name = 'SeedError';
  }
}

/** How something is checked. */
export interface Check<T> {
  readonly schema: z.ZodType<T>;
  /** What it is, for errors. Default `seed`. */
  readonly what?: string;
}

/** Checks what is given, or is in a YAML or JSON file. @throws {@link SeedError} */
export async function readChecked<T>(given: object | string, check: Check<T>): Promise<T> {
  if (typeof given !== 'string') return checkContent(given, check, check.what ?? 'seed');
  return parseChecked(await readText(given, check), given, check);
}

/** Checks YAML or JSON text; `file` names it in errors. @throws {@link SeedError} */
export function parseChecked<T>(text: string, file: string, check: Check<T>): T {
  const plain = parsePlainJson(text);
  if (plain !== undefined) {
    const result = check.schema.safeParse(plain);
    // Large generated seeds are JSON, and ten times quicker to read as such; only errors need the lines.
    if (result.success) return result.data;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new SeedError(
      document.errors.map(({ message, pos }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`),
      check,
    );
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch (cause) {
    throw new SeedError([`${file}: ${cause instanceof Error ? cause.message : 'cannot be read'}`], { ...check, cause });
  }
  return checkContent(content, check, file, (path) => `:${lineOf(document, lines, path)}`);
}

function checkContent<T>(
  content: unknown,
  check: Check<T>,
  file: string,
  place?: (path: readonly PropertyKey[]) => string,
): T {
  const result = check.schema.safeParse(content);
  if (result.success) return result.data;
  throw new SeedError(
    result.error.issues.flatMap((issue) =>
      pathsOf(issue).map((path) => `${file}${place?.(path) ?? ''}: ${pathText(path)}: ${issue.message}`),
    ),
    check,
  );
}

/** An unknown member is reported at its own place, not at the object around it. */
function pathsOf(issue: z.core.$ZodIssue): PropertyKey[][] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'the whole file';
}

/** The line of what the path names, or, when that is missing, of the nearest thing around it. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function parsePlainJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText<T>(file: string, check: Check<T>): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const problem = `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`;
    throw new SeedError([problem], { ...check, cause });
  }
}
