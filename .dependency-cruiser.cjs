/** A vendor package is imported only by the one place that owns it. */
const owned = (name, packages, owners) => ({
  name: `${name}-has-one-owner`,
  severity: 'error',
  from: { path: '^(apps|libs)/', pathNot: [...owners.map((owner) => `^${owner}/`), '\\.spec\\.ts$'] },
  to: { path: packages.map((name) => `node_modules/${name}/`) },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'libs-not-to-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'no-app-to-app',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'emulator-knows-nothing-of-us',
      severity: 'error',
      from: { path: '^apps/iot-hub-emulator/' },
      to: { path: '^libs/' },
    },
    {
      name: 'emulator-protocols-do-not-reach-into-the-store',
      severity: 'error',
      from: { path: '^apps/iot-hub-emulator/src/protocols/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^apps/iot-hub-emulator/src/storage/' },
    },
    {
      name: 'emulator-hub-knows-no-protocol',
      severity: 'error',
      from: { path: '^apps/iot-hub-emulator/src/hub/' },
      to: { path: '^apps/iot-hub-emulator/src/protocols/' },
    },
    {
      name: 'libs-through-index',
      severity: 'error',
      from: { path: '^apps/' },
      to: { path: '^libs/.+/src/', pathNot: '/src/index\\.ts$' },
    },
    {
      name: 'libs-through-index-from-libs',
      severity: 'error',
      from: { path: '^libs/(.+)/(?:src|test-support)/' },
      to: { path: '^libs/.+/src/', pathNot: ['/src/index\\.ts$', '^libs/$1/src/'] },
    },
    {
      name: 'feature-libs-not-to-each-other',
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/', pathNot: ['^libs/$1/', '^libs/(contracts|runtime)/'] },
    },
    owned('storage', ['@azure/storage-blob'], ['libs/blob-storage', 'apps/iot-hub-emulator']),
    owned('ai', ['openai'], ['libs/ai']),
    owned('iot-service', ['azure-iothub'], ['libs/iot-hub/service']),
    owned('iot-device', ['azure-iot-device', 'azure-iot-device-mqtt'], ['libs/iot-hub/device']),
    owned('cosmos', ['@azure/cosmos'], ['libs/cosmos', 'apps/iot-hub-emulator']),
    owned('local-cosmos', ['@vercel/cosmosdb-server'], ['apps/local-cosmos']),
    owned('capture', ['node-av', '@u4/opencv4nodejs'], ['libs/capture']),
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};
