export default {
  entry: 'src/index.ts',
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: true,
  dts: true,
  // A busy machine is no fault of the build.
  inputOptions: { checks: { pluginTimings: false } },
};
