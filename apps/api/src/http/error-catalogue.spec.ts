import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { loadApiConfig } from '../api.config.js';
import { createApp } from '../create-app.js';
import { errorCatalogue, findErrorEntry } from './error-catalogue.js';
import { describeApi } from './swagger.js';

const codes = Object.keys(errorCatalogue);
/** Answered by the router itself, whatever the path: they belong to no operation. */
const CODES_WITHOUT_OPERATION = ['ROUTE.NOT_FOUND', 'ROUTE.METHOD_NOT_ALLOWED'];

describe('errorCatalogue', () => {
  // The columns are padded.
  const guide = readFileSync(join(__dirname, '../../../../docs/errors.md'), 'utf8').replace(/ +/g, ' ');
  const config = loadApiConfig({ CORE_LOG_LEVEL: 'silent' });
  let app: NestExpressApplication;
  let documented: Map<string, Set<string>>;

  beforeAll(async () => {
    app = await createApp(config);
    documented = new Map();
    for (const operations of Object.values(describeApi(app, config).paths))
      for (const { responses } of Object.values(operations) as { responses: Record<string, ResponseWithExamples> }[])
        for (const [status, { content }] of Object.entries(responses))
          for (const code of Object.keys(content?.['application/problem+json']?.examples ?? {}))
            documented.set(code, (documented.get(code) ?? new Set()).add(status));
  });

  afterAll(() => app.close());

  it.each(codes)('%s has a status, a title, a hint and a line in docs/errors.md', (code) => {
    const entry = findErrorEntry(code);
    expect(entry?.status).toBeGreaterThanOrEqual(400);
    expect(guide).toContain(`| \`${code}\` | ${entry?.status} | ${entry?.title} | ${entry?.hint} |`);
  });

  it.each(codes.filter((code) => !CODES_WITHOUT_OPERATION.includes(code)))(
    '%s is a response of an operation',
    (code) => {
      const statuses = [...(documented.get(code) ?? [])];
      expect(statuses).not.toHaveLength(0);
      // The default response is for what any operation may answer.
      for (const status of statuses) expect(['default', String(findErrorEntry(code)?.status)]).toContain(status);
    },
  );

  it('is all that docs/errors.md lists', () => {
    const listed = [...guide.matchAll(/^\| `([A-Z_.]+)` \|/gm)].map(([, code]) => code);
    expect(listed.sort()).toEqual([...codes].sort());
  });

  it('knows no inherited names', () => {
    expect(findErrorEntry('constructor')).toBeUndefined();
  });
});

interface ResponseWithExamples {
  content?: Record<string, { examples?: Record<string, unknown> }>;
}
