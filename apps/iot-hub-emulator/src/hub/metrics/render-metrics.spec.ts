import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { HubMetrics } from './hub-metrics.js';
import { renderMetrics } from './render-metrics.js';

/** The value of one line, by name and labels as they stand there. */
const valueOf = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

describe(renderMetrics.name, () => {
  let hub: TestHub;
  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });

  it('gives what was counted, by labels, however often it is asked', async () => {
    hub.metrics.messages.add('Telemetry', 'mqtt');
    hub.metrics.messages.addMany(2, 'Telemetry', 'https');
    hub.metrics.messages.add('Telemetry', 'mqtt');
    hub.metrics.connections.inc({ protocol: 'mqtt-ws' });
    hub.metrics.commitDuration.observe(0.003);
    for (let round = 0; round < 2; round += 1) {
      const { contentType, text } = await renderMetrics(hub);
      expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(valueOf(text, 'iot_hub_messages_received_total{source="Telemetry",protocol="mqtt"}')).toBe(2);
      expect(valueOf(text, 'iot_hub_messages_received_total{source="Telemetry",protocol="https"}')).toBe(2);
      expect(valueOf(text, 'iot_hub_connections{protocol="mqtt-ws"}')).toBe(1);
      expect(valueOf(text, 'iot_hub_store_commit_duration_seconds_bucket{le="0.002"}')).toBe(0);
      expect(valueOf(text, 'iot_hub_store_commit_duration_seconds_bucket{le="0.005"}')).toBe(1);
    }
  });

  it('looks up sizes, and tells of the process too', async () => {
    const { text } = await renderMetrics(hub);
    expect(valueOf(text, 'iot_hub_message_log_messages')).toBe(0);
    expect(valueOf(text, 'iot_hub_connected_devices')).toBe(0);
    expect(valueOf(text, 'iot_hub_store_size_bytes')).toBeGreaterThan(1000);
    expect(valueOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  it('keeps hubs of one process apart', async () => {
    const other = aHub();
    other.metrics.refusals.add('https', 'DeviceNotFound');
    expect((await renderMetrics(hub)).text).not.toContain('DeviceNotFound');
    expect((await renderMetrics(other)).text).toContain(
      'iot_hub_refusals_total{protocol="https",error="DeviceNotFound"} 1',
    );
    other.store.close();
  });

  it('names everything as Prometheus wants it: snake case, counters _total, base units', async () => {
    const found = await new HubMetrics().registry.getMetricsAsJSON();
    expect(found.length).toBeGreaterThan(15);
    for (const { name, type, help } of found) {
      expect(name).toMatch(/^iot_hub_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total')).toBe(String(type) === 'counter');
      expect(name).not.toMatch(/milli|_ms\b|kilo/);
      expect(help).toMatch(/^[A-Z]/);
    }
  });
});
