import { httpsCall } from '../../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../../support/iot-hub.js';
import { openTls, RawMqtt } from '../../support/raw-mqtt.js';
import { sasToken } from '../../support/sas.js';
import { serviceToken } from '../../support/service-token.js';
import { until } from '../../support/until.js';
import { amqpOver } from '../../torture/support/amqp-client.js';
import { type HttpsAttempt, INTRUDER, type Knowledge, type LinkAttempt, VICTIM } from './attempts.js';

/** In everything that is the victim's. */
export const CANARY = 'canary-3f9c';

/** The client slows down with each link that it remembers. */
const LINKS_A_CONNECTION = 50;

type AmqpClient = ReturnType<typeof amqpOver>;

/** A hub with a victim that has something to lose, and an intruder that has a key of its own. */
export class Scene {
  private readonly seen = new Map<string, string[]>([
    [VICTIM, []],
    [INTRUDER, []],
  ]);
  private readonly amqp = new Map<string, AmqpClient>();
  private victim: RawMqtt | undefined;
  private readonly calls: string[] = [];
  private before = '';
  private links = 0;

  private constructor(readonly hub: TestIotHub) {}

  static async set(): Promise<Scene> {
    const account =
      'AccountName=devstoreaccount1;AccountKey=c2VjcmV0;BlobEndpoint=https://127.0.0.1:1/devstoreaccount1';
    const hub = await startTestIotHub({
      storage: { connectionString: `DefaultEndpointsProtocol=https;${account}`, containerName: 'dev' },
    });
    await hub.addDevice(VICTIM);
    await hub.addDevice(INTRUDER);
    await hub.registry.addModule({ deviceId: VICTIM, moduleId: 'm' });
    return new Scene(hub);
  }

  /** The victim has a twin, a queue, an upload and a connection. */
  async letVictimWork(): Promise<Knowledge> {
    const secrets = { tags: { secret: CANARY }, properties: { desired: { secret: CANARY } } };
    await this.owner('PATCH', `/twins/${VICTIM}`, JSON.stringify(secrets));
    await this.owner('PATCH', `/twins/${VICTIM}/modules/m`, JSON.stringify(secrets));
    for (let count = 0; count < 3; count += 1) await this.sendToVictim();
    const locked = await this.call(VICTIM, { method: 'GET', path: `/devices/${VICTIM}/messages/devicebound` });
    const upload = await this.call(VICTIM, {
      method: 'POST',
      path: `/devices/${VICTIM}/files`,
      body: `{"blobName":"${CANARY}"}`,
    });
    this.victim = await this.connectVictim();
    this.before = await this.victimsState();
    return {
      lockToken: (locked.headers.etag ?? '').replaceAll('"', ''),
      correlationId: (JSON.parse(upload.body) as { correlationId: string }).correlationId,
      methodRequestId: 'f00d',
    };
  }

  /** The connection lives, and the registry, both twins and what the hub keeps of it are what they were. */
  async expectVictimUntouched(): Promise<void> {
    expect(await this.victimsState()).toBe(this.before);
    expect(this.victim?.isClosed).toBe(false);
    await this.victim?.ping();
  }

  private async victimsState(): Promise<string> {
    const twin = await this.owner('GET', `/twins/${VICTIM}`);
    const module = await this.owner('GET', `/twins/${VICTIM}/modules/m`);
    const identity = await this.owner('GET', `/devices/${VICTIM}`);
    const { version, etag, properties, tags, status, connectionState } = JSON.parse(twin) as Record<string, unknown>;
    const { cloudToDeviceMessageCount, authentication } = JSON.parse(identity) as Record<string, unknown>;
    return JSON.stringify([
      ...[version, etag, properties, tags, status, connectionState, cloudToDeviceMessageCount, authentication],
      (JSON.parse(module) as Record<string, unknown>).version,
    ]);
  }

  // What anybody may try

  async request(as: string, attempt: HttpsAttempt): Promise<number> {
    const { status, body, headers } = await this.call(as, attempt);
    this.note(as, body + JSON.stringify(headers));
    return status;
  }

  private call(as: string, { method, path, body }: HttpsAttempt) {
    return httpsCall(this.hub.agent, {
      method,
      // What no request line can hold is written as a client would.
      path: `${path.replace(/[^\x21-\x7e]/gu, encodeURIComponent)}?api-version=2021-04-12`,
      headers: { authorization: this.token(as) },
      ...(body !== undefined && { body }),
    });
  }

  async connect(as: string): Promise<RawMqtt> {
    const { mqtt, code } = await this.open(as, as, this.token(as));
    if (code !== 0) throw new Error(`${as} was refused with ${code}.`);
    return mqtt;
  }

  /** @returns the code of the CONNACK, -1 when there was none. */
  async tryConnect(clientId: string, named: string, token: string): Promise<number> {
    const { mqtt, code } = await this.open(clientId, named, token);
    mqtt.destroy();
    return code;
  }

  private async open(clientId: string, named: string, token: string): Promise<{ mqtt: RawMqtt; code: number }> {
    const mqtt = new RawMqtt(await this.openStream());
    mqtt.onPublish = ({ topic, payload }) => {
      this.note(clientId, topic + payload.toString());
    };
    const username = `${this.hub.emulator.hostName}/${named}/?api-version=2021-04-12`;
    const code = await mqtt.connect({ clientId, username, password: Buffer.from(token) }).catch(() => -1);
    return { mqtt, code };
  }

  /** @returns whether the hub lets the link be, or takes a message on it. */
  async attach(as: string, { direction, address }: LinkAttempt): Promise<boolean> {
    const client = await this.amqpClient(as);
    try {
      if (direction === 'sender') {
        const sender = await client.sender(address);
        sender.close();
      } else {
        const { receiver, contexts } = await client.receiver(address);
        for (const { message } of contexts) this.note(as, JSON.stringify(message));
        receiver.close();
      }
      return true;
    } catch {
      return false;
    }
  }

  private async amqpClient(as: string): Promise<AmqpClient> {
    const known = this.amqp.get(as);
    this.links += 1;
    if (known && !known.stream.destroyed && this.links % LINKS_A_CONNECTION > 0) return known;
    known?.stream.destroy();
    const client = amqpOver(await this.openStream(), { username: 'anonymous' });
    expect((await client.putToken(this.token(as))).status).toBe(200);
    this.amqp.set(as, client);
    return client;
  }

  private openStream() {
    const { port, caCertificate } = this.hub.emulator;
    return openTls({ port, ca: caCertificate });
  }

  token(as: string): string {
    const { hostName } = this.hub.emulator;
    const key = this.hub.emulator.deviceConnectionString(as).split('SharedAccessKey=')[1] ?? '';
    return sasToken({ resource: encodeURIComponent(`${hostName}/devices/${as}`), key });
  }

  private note(who: string, text: string): void {
    this.seen.get(who === VICTIM ? VICTIM : INTRUDER)?.push(text);
  }

  /** Everything that the hub has told the intruder. */
  seenByIntruder(): string {
    return (this.seen.get(INTRUDER) ?? []).join('\n');
  }

  takeSeen(who: string): string {
    return (this.seen.get(who)?.splice(0) ?? []).join('\n');
  }

  // A method call of the victim

  async callVictim(): Promise<{ answered: Promise<unknown>; requestId: string }> {
    const body = JSON.stringify({ methodName: 'secret', payload: CANARY, responseTimeoutInSeconds: 20 });
    const answered = this.owner('POST', `/twins/${VICTIM}/methods`, body).then((text) => JSON.parse(text) as unknown);
    const requestId = await until(() => this.calls.shift(), 'the call to reach the victim');
    return { answered, requestId };
  }

  answerAsVictim(requestId: string): void {
    this.victim?.send({
      ...{ cmd: 'publish', qos: 0, dup: false, retain: false, payload: '"mine"' },
      topic: `$iothub/methods/res/201/?$rid=${requestId}`,
    });
  }

  private async connectVictim(): Promise<RawMqtt> {
    const mqtt = await this.connect(VICTIM);
    mqtt.onPublish = ({ topic }) => {
      const requestId = /\$rid=([^&]+)/.exec(topic)?.[1];
      if (requestId !== undefined) this.calls.push(requestId);
    };
    await mqtt.subscribe('$iothub/methods/POST/#', '$iothub/twin/PATCH/properties/desired/#');
    return mqtt;
  }

  /** The control has taken the victim's connection and a message. */
  async resetAfterControl(): Promise<void> {
    this.victim = await this.connectVictim();
    this.before = await this.victimsState();
  }

  private async sendToVictim(): Promise<void> {
    const client = amqpOver(await this.openStream(), { username: 'anonymous' });
    await client.putToken(serviceToken(this.hub));
    const sender = await client.sender('/messages/devicebound');
    const body = Buffer.from(CANARY) as never;
    await client.send(sender, { to: `/devices/${VICTIM}/messages/devicebound`, body });
    client.stream.destroy();
  }

  private async owner(method: string, path: string, body?: string): Promise<string> {
    const reply = await httpsCall(this.hub.agent, {
      method,
      path: `${path}?api-version=2021-04-12`,
      headers: { authorization: serviceToken(this.hub) },
      ...(body !== undefined && { body }),
    });
    if (reply.status >= 300) throw new Error(`${method} ${path} was answered with ${reply.status}: ${reply.body}`);
    return reply.body;
  }

  async close(): Promise<void> {
    this.victim?.destroy();
    for (const client of this.amqp.values()) client.stream.destroy();
    await this.hub.close();
  }
}
