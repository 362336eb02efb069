import type { Twin } from 'azure-iot-device';
import type { HubUnderTest } from '../../support/hub-under-test.js';

/** One operation, shown by one function over each protocol that has it. */
export interface ConformanceCase<Protocol extends string> {
  /** As the parity table names it. */
  readonly operation: string;
  /** Protocols that IoT Hub offers it over. Over the others there is no such thing. */
  readonly over: readonly Protocol[];
  /** How the emulator refuses it, in the words of the parity table; then a real hub, which does not, is not asked. */
  readonly refusedAs?: string;
  /** Why only an emulator can be asked. */
  readonly emulatorOnly?: string;
  run(hub: HubUnderTest, protocol: Protocol): Promise<void>;
}

/** Operations of one kind of client. */
export interface ConformanceGroup<Protocol extends string> {
  readonly title: string;
  /** The unmodified clients that show them. */
  readonly clients: string;
  readonly protocols: readonly Protocol[];
  readonly cases: readonly ConformanceCase<Protocol>[];
}

/** A name for what a case makes, apart from the same case over another protocol. */
export const named = (name: string, protocol: string): string =>
  `${name}-${protocol.toLowerCase().replace(' over websocket', '-ws')}`;

/** Reports properties of a device's or module's twin. */
export const report = (twin: Twin, patch: Record<string, unknown>): Promise<void> =>
  new Promise((resolve, reject) => {
    const { reported } = twin.properties as unknown as {
      reported: { update(patch: unknown, done: (error?: Error) => void): void };
    };
    reported.update(patch, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });

/** The error of a call that has to fail. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  return await call.then(
    () => Promise.reject(new Error('It was not refused.')),
    (cause: unknown) => cause as Refusal,
  );
}

/** What the SDKs hand on of a refusal. */
export type Refusal = Error & {
  readonly response?: { readonly statusCode: number; readonly headers: Record<string, string> };
  readonly responseBody?: string;
};

/** How what stays out is answered. */
export const NOT_IMPLEMENTED = '501 `NotImplemented`';

/** Expects {@link NOT_IMPLEMENTED} of a call that no SDK makes, and that the body says what it is. */
export async function expectNotImplementedAt(
  hub: HubUnderTest,
  method: string,
  path: string,
  operation: string,
): Promise<void> {
  const { status, headers, body } = await hub.call(method, path);
  expect(status).toBe(501);
  expect(headers['iothub-errorcode']).toBe('NotImplemented');
  expect(body).toContain(operation);
}
