import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Language, type Node, Parser } from 'web-tree-sitter';

/** What a Bicep file declares, as far as its text tells: names, literals and the text of expressions, not what they come to. */
export interface BicepFile {
  readonly path: string;
  readonly text: string;
  readonly parameters: ReadonlyMap<string, { readonly secure: boolean; readonly required: boolean }>;
  /** The text of each value. */
  readonly variables: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
  readonly resources: readonly BicepResource[];
  readonly modules: readonly BicepModule[];
  /** Every object in the file that is the value of a variable, or an argument in one: its literals and expressions by key. */
  objectsIn(variable: string): Record<string, string>;
}

export interface BicepResource {
  readonly name: string;
  readonly type: string;
  readonly apiVersion: string;
  readonly existing: boolean;
  readonly text: string;
  /** The comment lines right above it. */
  readonly comment: string;
}

export interface BicepModule {
  readonly name: string;
  /** From the root of the repository. */
  readonly path: string;
  readonly parameters: readonly string[];
}

let parser: Promise<Parser> | undefined;

async function loadParser(): Promise<Parser> {
  await Parser.init();
  return new Parser().setLanguage(await Language.load(require.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')));
}

/** @throws Error naming the line, if it is not Bicep. */
export async function readBicep(path: string): Promise<BicepFile> {
  const text = readFileSync(path, 'utf8');
  return { path, ...describeBicep(path, text, await (parser ??= loadParser())) };
}

/** The same of a text. */
export async function parseBicep(text: string): Promise<BicepFile> {
  return { path: 'text', ...describeBicep('text', text, await (parser ??= loadParser())) };
}

function describeBicep(path: string, text: string, bicep: Parser): Omit<BicepFile, 'path'> {
  const root = bicep.parse(text)?.rootNode;
  if (!root) throw new Error(`${path}: not parsed`);
  const wrong = below(root).find((node) => node.isError || node.isMissing);
  if (wrong) throw new Error(`${path}:${wrong.startPosition.row + 1}: not Bicep: ${wrong.text.slice(0, 80)}`);

  const variables = declared(root, 'variable_declaration');
  return {
    text,
    parameters: parametersOf(root),
    variables: new Map([...variables].map(([name, value]) => [name, value.text])),
    outputs: new Map([...declared(root, 'output_declaration')].map(([name, value]) => [name, value.text])),
    resources: below(root)
      .filter((node) => node.type === 'resource_declaration')
      .map((node) => resourceOf(node, text)),
    modules: below(root)
      .filter((node) => node.type === 'module_declaration')
      .map((node) => moduleOf(node, dirname(path))),
    objectsIn: (variable) => {
      const value = variables.get(variable);
      if (!value) throw new Error(`${path}: there is no variable ${variable}`);
      return Object.assign({}, ...below(value).filter(isObject).map(propertiesOf)) as Record<string, string>;
    },
  };
}

/** The node and all under it, in the order of the text. */
function below(node: Node): Node[] {
  return [node, ...node.children.flatMap(below)];
}

const isObject = (node: Node): boolean => node.type === 'object';

const firstOf = (node: Node, type: string): Node | undefined => node.namedChildren.find((child) => child.type === type);

const unquoted = (text: string): string => text.replace(/^'(.*)'$/s, '$1');

const nameOf = (node: Node): string => firstOf(node, 'identifier')?.text ?? '';

function declared(root: Node, type: string): Map<string, Node> {
  return new Map(
    root.namedChildren
      .filter((node) => node.type === type)
      .map((node) => [nameOf(node), node.namedChildren.at(-1) ?? node]),
  );
}

function parametersOf(root: Node): BicepFile['parameters'] {
  const found = new Map<string, { secure: boolean; required: boolean }>();
  let decorators = '';
  for (const node of root.namedChildren) {
    if (node.type === 'parameter_declaration') {
      const required = !/^param\s+\S+\s+\S+\s*=/.test(node.text);
      found.set(nameOf(node), { secure: decorators.includes('@secure()'), required });
    }
    decorators = node.type === 'decorators' ? node.text : '';
  }
  return found;
}

function resourceOf(node: Node, text: string): BicepResource {
  const [type = '', apiVersion = ''] = unquoted(firstOf(node, 'string')?.text ?? '').split('@');
  const above = text.split('\n').slice(0, node.startPosition.row);
  const comment: string[] = [];
  for (let line = above.pop(); line?.trimStart().startsWith('//'); line = above.pop()) comment.unshift(line.trim());
  return {
    name: nameOf(node),
    type,
    apiVersion,
    existing: /^resource \S+ \S+ existing /.test(node.text),
    text: node.text,
    comment: comment.join('\n'),
  };
}

function moduleOf(node: Node, directory: string): BicepModule {
  const params = below(node)
    .filter((child) => child.type === 'object_property')
    .find((property) => nameOf(property) === 'params');
  const values = params && below(params).find(isObject);
  return {
    name: nameOf(node),
    path: join(directory, unquoted(firstOf(node, 'string')?.text ?? '')),
    parameters: values ? Object.keys(propertiesOf(values)) : [],
  };
}

function propertiesOf(object: Node): Record<string, string> {
  return Object.fromEntries(
    object.namedChildren
      .filter((node) => node.type === 'object_property')
      .map((property) => [
        unquoted(property.namedChildren[0]?.text ?? ''),
        unquoted(property.namedChildren.at(-1)?.text ?? ''),
      ]),
  );
}
