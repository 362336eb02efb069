import type { Field, ResolvedField } from './collection.js';

type Node = Leaf | Branch | Properties;
type Leaf = Exclude<Field, { kind: 'undefined' | 'object' }>;

/** A part of a document with members of its own. */
export interface Branch {
  readonly kind: 'branch';
  readonly children: ReadonlyMap<string, readonly [name: string, node: Node]>;
}

/** `properties.desired` or `properties.reported`: one JSON column, with version and metadata beside it. */
interface Properties {
  readonly kind: 'properties';
  readonly column: 'desired' | 'reported';
}

/** A column of texts. */
export const text = (sql: string, sqlNull: 'never' | 'null' | 'undefined' = 'never'): Leaf => ({
  kind: 'text',
  sql,
  sqlNull,
});

/** A column of numbers. */
export const number = (sql: string): Leaf => ({ kind: 'number', sql, sqlNull: 'never' });

/** A column of JSON text. */
export const json = (column: string): Leaf => ({ kind: 'json', column, path: [] });

/** Members by their names as the document writes them. */
export const branch = (nodes: Readonly<Record<string, Node>>): Branch => ({
  kind: 'branch',
  children: new Map(Object.entries(nodes).map(([name, node]) => [name.toLowerCase(), [name, node]])),
});

/**
 * Finds a value of a document. Names that IoT Hub gives are found in any case (its own examples ask for `DeviceId` and get
 * `deviceId`); names inside columns of JSON are compared with case.
 */
export const findField = (document: Branch, path: readonly string[]): ResolvedField => walk(document, path, []);

function walk(node: Node, path: readonly string[], walked: readonly string[]): ResolvedField {
  const [name, ...rest] = path;
  switch (node.kind) {
    case 'branch': {
      if (name === undefined) return { field: { kind: 'object' }, segments: walked };
      const child = node.children.get(name.toLowerCase());
      if (child === undefined) return { field: { kind: 'undefined' }, segments: [...walked, ...path] };
      return walk(child[1], rest, [...walked, child[0]]);
    }
    case 'properties':
      return { field: propertyField(node.column, path), segments: [...walked, ...path] };
    case 'json':
      return { field: { ...node, path }, segments: [...walked, ...path] };
    default:
      return { field: name === undefined ? node : { kind: 'undefined' }, segments: [...walked, ...path] };
  }
}

function propertyField(column: Properties['column'], path: readonly string[]): Field {
  const [name, ...rest] = path;
  if (name === undefined) return { kind: 'object' };
  if (name === '$metadata') return { kind: 'json', column: `${column}_metadata`, path: rest };
  if (name !== '$version') return { kind: 'json', column, path };
  return rest.length > 0 ? { kind: 'undefined' } : number(`${column}_version`);
}
