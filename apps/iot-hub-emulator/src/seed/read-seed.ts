import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { seedSchema, type IotHubSeed, type SeedDevice } from './seed-schema.js';

/** A seed that cannot be used. The message has one line for each problem, naming file, line and path. */
export class SeedError extends Error {
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(`The seed cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, options);
    this.name = 'SeedError';
  }
}

/**
 * The devices of a seed.
 *
 * @param seed the seed itself, or the path of a YAML or JSON file.
 * @throws {@link SeedError}
 */
export async function readSeed(seed: IotHubSeed | string): Promise<SeedDevice[]> {
  return typeof seed === 'string' ? parseSeed(await readSeedFile(seed), seed) : checkSeed(seed, 'seed');
}

/** The devices of a seed given as YAML or JSON text; `file` names it in errors. @throws {@link SeedError} */
export function parseSeed(text: string, file: string): SeedDevice[] {
  const plain = parsePlainJson(text);
  if (plain !== undefined) {
    const result = seedSchema.safeParse(plain);
    // Large generated seeds are JSON, and ten times quicker to read as such; only errors need the lines.
    if (result.success) return result.data.devices;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new SeedError(document.errors.map(({ message, pos }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`));
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch (cause) {
    throw new SeedError([`${file}: ${cause instanceof Error ? cause.message : 'cannot be read'}`], { cause });
  }
  return checkSeed(content, file, (path) => `:${lineOf(document, lines, path)}`);
}

function checkSeed(content: unknown, file: string, place?: (path: readonly PropertyKey[]) => string): SeedDevice[] {
  const result = seedSchema.safeParse(content);
  if (result.success) return result.data.devices;
  throw new SeedError(
    result.error.issues.flatMap((issue) =>
      pathsOf(issue).map((path) => `${file}${place?.(path) ?? ''}: ${pathText(path)}: ${issue.message}`),
    ),
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

async function readSeedFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new SeedError([`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`], {
      cause,
    });
  }
}
