import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startIotHubEmulator } from '../../apps/iot-hub-emulator/src/index.js';
import { aCertificate, type TestCertificate } from '../../apps/iot-hub-emulator/test-support/certificates.js';
import { liveHub } from './live-hub.js';

/** A hub and how to reach it. */
export interface HubPlace {
  readonly serviceConnectionString: string;
  readonly eventsConnectionString: string;
  readonly isLive: boolean;
  /** Whose signature on a device's certificate the hub takes; unknown of a real one. */
  readonly authority?: TestCertificate;
  close(): Promise<void>;
}

/** Devices put nothing there: the hub alone signs for it. */
const STORAGE = {
  connectionString:
    'DefaultEndpointsProtocol=https;AccountName=uploads;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:1/uploads',
  containerName: 'uploads',
};

/** The hub that the environment names, else an emulator in this process, in memory and on a free port. */
export async function openHubPlace(): Promise<HubPlace> {
  const live = liveHub();
  if (live !== undefined) return { ...live, isLive: true, close: () => Promise.resolve() };
  const authority = await aCertificate({ commonName: 'test authority', authority: true });
  const emulator = await startIotHubEmulator({
    port: 0,
    inMemory: true,
    storage: STORAGE,
    caCertificates: [authority.cert],
  });
  const trusted = getCACertificates('default');
  // Some of the SDKs take no certificate authority of their own.
  setDefaultCACertificates([...trusted, emulator.caCertificate]);
  return {
    serviceConnectionString: emulator.serviceConnectionString,
    eventsConnectionString: emulator.eventHubsConnectionString,
    isLive: false,
    authority,
    async close() {
      setDefaultCACertificates(trusted);
      await emulator.close();
    },
  };
}
