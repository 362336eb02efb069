import { blobStreaming } from './blob-streaming.js';
import { capture } from './capture.js';
import { clientSdk } from './client-sdk.js';
import { directMethod } from './direct-method.js';
import { productionTrees } from './production-trees.js';
import { report } from './report.js';
import { start } from './start.js';
import { telemetry } from './telemetry.js';

report([start, directMethod, capture, blobStreaming, telemetry, clientSdk, productionTrees], 'bench').catch(
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
