const swc = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2024',
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
  sourceMaps: true,
};
const base = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  modulePathIgnorePatterns: ['<rootDir>/client-sdk/dist/', '<rootDir>/.data/'],
};

// All tiers but e2e run the sources.
const source = {
  ...base,
  moduleNameMapper: {
    '^#libs/(.*)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
  },
};
// e2e runs the built applications: what ships, Swagger plugin included.
const built = {
  ...base,
  moduleNameMapper: {
    '^#libs/(.*)$': '<rootDir>/dist/libs/$1/src/index.js',
    '^(?:\\.{1,2}/)+apps/(.*)\\.js$': '<rootDir>/dist/apps/$1.js',
    '^(\\.\\./support/.*)\\.js$': '$1.ts',
  },
};
const tier = (displayName, testMatch, settings = source) => ({ ...settings, displayName, testMatch });

module.exports = {
  collectCoverageFrom: ['{apps,libs}/**/src/**/*.ts', '!**/main.ts', '!**/*.spec.ts'],
  coverageProvider: 'v8',
  reporters: ['default', '<rootDir>/tools/counts-reporter.cjs'],
  testTimeout: 30_000,
  projects: [
    tier('unit', ['<rootDir>/{apps,libs}/**/*.spec.ts']),
    tier('architecture', ['<rootDir>/test/architecture/**/*.spec.ts']),
    tier('conformance', ['<rootDir>/test/conformance/**/*.spec.ts'], {
      ...source,
      setupFilesAfterEnv: ['<rootDir>/test/support/skip-when-live.ts'],
    }),
    tier('integration', ['<rootDir>/test/integration/**/*.spec.ts']),
    tier('torture', ['<rootDir>/test/torture/**/*.spec.ts']),
    tier('security', ['<rootDir>/test/security/**/*.spec.ts']),
    tier('e2e', ['<rootDir>/test/e2e/**/*.e2e-spec.ts'], built),
  ],
};
