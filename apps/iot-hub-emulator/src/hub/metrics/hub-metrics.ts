import { Gauge, Histogram, Registry } from 'prom-client';
import { Tally } from './tally.js';

/** What a client speaks, as far as the hub tells it apart. */
export type ClientProtocol = 'mqtt' | 'amqp' | 'https';

/** How a client's bytes come in. */
export type ConnectionProtocol = ClientProtocol | 'mqtt-ws' | 'amqp-ws';

/** What happens to a cloud-to-device message. */
export type CloudToDeviceEvent =
  'enqueued' | 'delivered' | 'completed' | 'rejected' | 'abandoned' | 'expired' | 'exhausted' | 'purged';

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const METHOD_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];
const WRITES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/**
 * What a hub counts of itself, for `/metrics`. The parts that serve clients add to it as things happen; what can be looked
 * up (sizes, depths) is looked up when somebody asks.
 *
 * @see https://prometheus.io/docs/practices/naming/
 */
export class HubMetrics {
  readonly registry = new Registry();

  /** Accepted messages, by source and by the protocol they came over; `hub` for what the hub says itself. */
  readonly messages = this.tally('messages_received_total', 'Messages taken into the log', ['source', 'protocol']);
  /** What was refused, by protocol (`tls` before one is spoken) and the name of the error. */
  readonly refusals = this.tally('refusals_total', 'Requests and connections refused', ['protocol', 'error']);
  /** By `ok` or the name of the error. */
  readonly methods = this.tally('direct_methods_total', 'Direct method calls ended', ['outcome']);
  /** From the call to its end. */
  readonly methodDuration = this.histogram('direct_method_duration_seconds', 'Time of a method call', METHOD_SECONDS);
  /** By who does what: `device` or `service`; `get`, `report`, `update`, `replace`. */
  readonly twins = this.tally('twin_operations_total', 'Twin reads and changes', ['actor', 'operation']);
  /** By {@link CloudToDeviceEvent}. */
  readonly cloudToDevice = this.tally('cloud_to_device_messages_total', 'Cloud-to-device messages', ['event']);
  /** By `opened`, `succeeded`, `failed`. */
  readonly fileUploads = this.tally('file_uploads_total', 'File uploads of devices', ['event']);
  /** By custom endpoint and `delivered` or `dropped`. */
  readonly deliveries = this.tally('routing_messages_total', 'Messages brought to endpoints', ['endpoint', 'outcome']);
  /** Messages handed to readers of the built-in endpoint. */
  readonly eventsRead = this.tally('events_read_total', 'Messages sent to readers of the built-in endpoint', []);

  /** Connections open now, by {@link ConnectionProtocol}. */
  readonly connections = this.gauge('connections', 'Connections open', ['protocol']);
  readonly connectedDevices = this.gauge('connected_devices', 'Devices and modules connected');
  readonly eventReaders = this.gauge('events_readers', 'Readers of the built-in endpoint');
  readonly queuedForDevices = this.gauge('cloud_to_device_queued_messages', 'Messages that wait for devices');
  readonly backlog = this.gauge('routing_backlog_messages', 'Messages an endpoint has not taken yet', ['endpoint']);
  readonly logMessages = this.gauge('message_log_messages', 'Messages kept in the log');
  readonly storeBytes = this.gauge('store_size_bytes', 'Size of what is in the database');

  /** Time of the flush to disk. Its count is that of commits. */
  readonly commitDuration = this.histogram('store_commit_duration_seconds', 'Time of a commit', SECONDS);
  readonly commitWrites = this.histogram('store_commit_writes', 'Writes that shared one commit', WRITES);

  private tally(name: string, help: string, labels: readonly string[]): Tally {
    return new Tally(this.registry, { name: `iot_hub_${name}`, help, labels });
  }

  private gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({ name: `iot_hub_${name}`, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `iot_hub_${name}`, help, buckets, registers: [this.registry] });
  }
}
