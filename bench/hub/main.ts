import { report } from '../report.js';
import { acknowledgement } from './acknowledgement.js';
import { cosmosRoute } from './cosmos-route.js';
import { idleDevices } from './idle-devices.js';
import { ingest } from './ingest.js';
import { methods } from './methods.js';
import { startWithMessages } from './start.js';
import { twins } from './twins.js';

report([ingest, acknowledgement, idleDevices, methods, twins, startWithMessages, cosmosRoute], 'bench:hub').catch(
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
