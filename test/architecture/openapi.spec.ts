import { readFileSync } from 'node:fs';

interface Schema {
  type?: string;
  description?: string;
  example?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
}
interface Parameter {
  name: string;
  in: string;
  schema: Schema;
}
interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { examples?: Record<string, { value: Record<string, unknown> }> }> };
}

/** What the Swagger page shows; `npm run sdk:check` holds the file to the code. */
const document = JSON.parse(readFileSync('client-sdk/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

const operation = (path: string, method: string): Operation => document.paths[path]?.[method] ?? {};
const prefilled = (path: string, method: string, name: string): unknown =>
  operation(path, method).parameters?.find((parameter) => parameter.name === name)?.schema.example;
const allParameters = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { parameters = [] }]) => ({ route: `${method} ${path}`, path, parameters })),
);

describe('the Swagger page', () => {
  it('deletes by default only what its own examples create', () => {
    const examples = operation('/iot_hub/devices', 'post').requestBody?.content['application/json']?.examples;
    const registered = examples?.device?.value.device_id;
    expect(registered).toBeTruthy();
    expect(prefilled('/iot_hub/devices/{device_id}', 'delete', 'device_id')).toBe(registered);
    const uploaded = prefilled('/blob_storage', 'post', 'blob_name');
    expect(uploaded).toBeTruthy();
    expect(prefilled('/blob_storage/{blob_name}', 'delete', 'blob_name')).toBe(uploaded);
    expect(prefilled('/blob_storage/{blob_name}', 'get', 'blob_name')).not.toBe(uploaded);
  });

  it('prefills every text of the form that asks about a picture', () => {
    const { properties = {} } = document.components.schemas.ImageChatRequest ?? {};
    for (const name of ['prompt', 'system_prompt', 'json_schema']) {
      const { example, default: fallback } = properties[name] ?? {};
      expect(example ?? fallback).toMatch(/\w{4}/);
    }
  });

  it('shows no raw tag of a comment', () => {
    expect(JSON.stringify(document)).not.toMatch(/@(?:default|example|throws|link)\b/);
  });

  it('shows the parameters of a path first, in its order', () => {
    for (const { route, path, parameters } of allParameters) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const shown = parameters.slice(0, inPath.length).map(({ name }) => name);
      expect({ route, shown }).toEqual({ route, shown: inPath });
    }
  });

  it('asks for whole numbers where only those are accepted', () => {
    const numbers = allParameters.flatMap(({ parameters }) =>
      parameters.filter(({ schema }) => schema.type === 'number'),
    );
    expect(numbers).toEqual([]);
    expect(prefilled('/blob_storage/images/{device_name}/{file_name}', 'get', 'width')).toBe(640);
  });
});
