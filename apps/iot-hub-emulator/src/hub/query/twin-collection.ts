/** Where a value of the twin document stands in the table `devices`. */
export type TwinField =
  /** No twin has it. */
  | { readonly kind: 'undefined' }
  /** A part of the document that is spread over several columns. */
  | { readonly kind: 'object' }
  /** A column of one type. `sqlNull` says what a NULL in it means. */
  | {
      readonly kind: 'text' | 'number' | 'boolean';
      readonly sql: string;
      readonly sqlNull: 'never' | 'null' | 'undefined';
    }
  /** A value inside a column of JSON text; `path` is empty for the whole column. */
  | { readonly kind: 'json'; readonly column: string; readonly path: readonly string[] };

/** A field with the attribute's names as the twin document writes them. */
export interface ResolvedField {
  readonly field: TwinField;
  readonly segments: readonly string[];
}

type Node = Leaf | Branch | Properties;
type Leaf = Exclude<TwinField, { kind: 'undefined' | 'object' }>;
interface Branch {
  readonly kind: 'branch';
  readonly children: ReadonlyMap<string, readonly [name: string, node: Node]>;
}
/** `properties.desired` or `properties.reported`: one JSON column, with version and metadata beside it. */
interface Properties {
  readonly kind: 'properties';
  readonly column: 'desired' | 'reported';
}

const text = (sql: string, sqlNull: 'never' | 'null' | 'undefined' = 'never'): Leaf => ({ kind: 'text', sql, sqlNull });
const number = (sql: string): Leaf => ({ kind: 'number', sql, sqlNull: 'never' });
const branch = (nodes: Readonly<Record<string, Node>>): Branch => ({
  kind: 'branch',
  children: new Map(Object.entries(nodes).map(([name, node]) => [name.toLowerCase(), [name, node]])),
});

/** The device twin document as `toTwin` writes it, name by name. Keys are not part of it and cannot be asked for. */
const TWIN = branch({
  deviceId: text('device_id'),
  etag: text('twin_etag'),
  deviceEtag: text('etag'),
  version: number('twin_version'),
  status: text('status'),
  statusReason: text('status_reason', 'undefined'),
  statusUpdateTime: text('status_updated_time'),
  connectionState: text('connection_state'),
  lastActivityTime: text('last_activity_time'),
  cloudToDeviceMessageCount: number('0'),
  authenticationType: text('authentication_type'),
  x509Thumbprint: branch({
    primaryThumbprint: text('primary_thumbprint', 'null'),
    secondaryThumbprint: text('secondary_thumbprint', 'null'),
  }),
  modelId: text('model_id'),
  capabilities: branch({ iotEdge: { kind: 'boolean', sql: 'iot_edge', sqlNull: 'never' } }),
  tags: { kind: 'json', column: 'tags', path: [] },
  properties: branch({
    desired: { kind: 'properties', column: 'desired' },
    reported: { kind: 'properties', column: 'reported' },
  }),
});

/**
 * Finds an attribute of the collection `devices`, with or without the prefix `devices.`.
 * Names that IoT Hub gives are found in any case (its own examples ask for `DeviceId` and get `deviceId`); names inside
 * tags and properties are compared with case. An attribute that no twin has is `undefined`, not an error.
 */
export function resolveTwinField(segments: readonly string[]): ResolvedField {
  const [first, ...rest] = segments;
  const path = first?.toLowerCase() === 'devices' && rest.length > 0 ? rest : segments;
  return walk(TWIN, path, []);
}

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

function propertyField(column: Properties['column'], path: readonly string[]): TwinField {
  const [name, ...rest] = path;
  if (name === undefined) return { kind: 'object' };
  if (name === '$metadata') return { kind: 'json', column: `${column}_metadata`, path: rest };
  if (name !== '$version') return { kind: 'json', column, path };
  return rest.length > 0 ? { kind: 'undefined' } : number(`${column}_version`);
}
