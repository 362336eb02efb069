import { unsupportedNode } from './supported-node.js';

describe(unsupportedNode.name, () => {
  it.each(['22.20.0', '22.23.3', '24.7.0', '24.21.0', '25.0.0', '26.10.0', '27.0.0-nightly'])('takes %s', (version) => {
    expect(unsupportedNode(version)).toBeUndefined();
  });

  it.each(['18.20.8', '20.20.2', '22.19.0', '23.11.1', '24.6.0'])('refuses %s and names what would do', (version) => {
    expect(unsupportedNode(version)).toBe(
      `The IoT Hub emulator needs Node.js 22.20 or later of version 22, or 24.7 or later; this is ${version}.`,
    );
  });
});
