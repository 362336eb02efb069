/**
 * The first form of all of the hub's state.
 *
 * `devices` holds identity and twin in one row, so that the twin query language compiles to SQL over this one table:
 * times are ISO 8601 text in UTC (sortable), JSON columns are JSON text, an unset time is `0001-01-01T00:00:00Z`.
 * `desired` and `reported` hold the properties alone; `$version` and `$metadata` have columns of their own.
 */
const FIRST = `
CREATE TABLE devices (
  device_id TEXT PRIMARY KEY,
  generation_id TEXT NOT NULL,
  etag TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
  status_reason TEXT,
  status_updated_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  connection_state TEXT NOT NULL DEFAULT 'Disconnected' CHECK (connection_state IN ('Connected', 'Disconnected')),
  connection_state_updated_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  last_activity_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  authentication_type TEXT NOT NULL DEFAULT 'sas' CHECK (authentication_type IN ('sas', 'selfSigned', 'certificateAuthority')),
  primary_key TEXT,
  secondary_key TEXT,
  primary_thumbprint TEXT,
  secondary_thumbprint TEXT,
  iot_edge INTEGER NOT NULL DEFAULT 0 CHECK (iot_edge IN (0, 1)),
  device_scope TEXT,
  model_id TEXT NOT NULL DEFAULT '',
  twin_etag TEXT NOT NULL,
  twin_version INTEGER NOT NULL DEFAULT 1,
  tags TEXT NOT NULL DEFAULT '{}',
  desired TEXT NOT NULL DEFAULT '{}',
  desired_version INTEGER NOT NULL DEFAULT 1,
  desired_metadata TEXT NOT NULL DEFAULT '{}',
  reported TEXT NOT NULL DEFAULT '{}',
  reported_version INTEGER NOT NULL DEFAULT 1,
  reported_metadata TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE stored_subscriptions (
  device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
  filter TEXT NOT NULL,
  qos INTEGER NOT NULL,
  PRIMARY KEY (device_id, filter)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
  partition_id INTEGER NOT NULL,
  enqueued_ms INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  generation_id TEXT NOT NULL,
  auth_scope TEXT NOT NULL,
  system_properties TEXT NOT NULL,
  properties TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE file_uploads (
  correlation_id TEXT PRIMARY KEY,
  device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
  blob_name TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX file_uploads_by_device ON file_uploads (device_id);

CREATE TABLE file_notifications (
  sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id TEXT NOT NULL,
  blob_name TEXT NOT NULL,
  blob_uri TEXT NOT NULL,
  is_success INTEGER NOT NULL CHECK (is_success IN (0, 1)),
  status_code INTEGER,
  status_description TEXT,
  blob_size_bytes INTEGER,
  enqueued_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/**
 * Message routing. `messages.endpoints` is the set of endpoints a message belongs to: bit 0 is the built-in one, the
 * others are in `routing_endpoints`, with how far each of those has taken the log. A message of the built-in endpoint has
 * a number of its own, rising by one within its partition; `event_partitions` keeps the last one that was deleted.
 */
const ROUTING = `
ALTER TABLE messages ADD COLUMN source TEXT NOT NULL DEFAULT 'Telemetry';
ALTER TABLE messages ADD COLUMN endpoints INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN events_sequence INTEGER;
UPDATE messages SET events_sequence = numbered.place - 1
  FROM (SELECT sequence_number, row_number() OVER (PARTITION BY partition_id ORDER BY sequence_number) AS place
        FROM messages) AS numbered
  WHERE numbered.sequence_number = messages.sequence_number;
CREATE UNIQUE INDEX messages_of_events ON messages (partition_id, events_sequence) WHERE events_sequence IS NOT NULL;
CREATE TABLE event_partitions (partition_id INTEGER PRIMARY KEY, last_deleted INTEGER NOT NULL) STRICT;
CREATE TABLE routing_endpoints (
  name TEXT PRIMARY KEY,
  bit INTEGER NOT NULL UNIQUE,
  delivered_through INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/**
 * Modules. A row of `identities` is a device, with an empty `module_id`, or a module of one. Deleting a device deletes
 * its modules with it. `retired_keys` are the last ones replaced, known only to tell that a token was signed with one.
 * File uploads are for devices alone. A message knows its module and how its sender proved itself.
 */
const MODULES = `
CREATE TABLE identities (
  device_id TEXT NOT NULL,
  module_id TEXT NOT NULL DEFAULT '',
  generation_id TEXT NOT NULL,
  etag TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
  status_reason TEXT,
  status_updated_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  connection_state TEXT NOT NULL DEFAULT 'Disconnected' CHECK (connection_state IN ('Connected', 'Disconnected')),
  connection_state_updated_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  last_activity_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  authentication_type TEXT NOT NULL DEFAULT 'sas' CHECK (authentication_type IN ('sas', 'selfSigned', 'certificateAuthority')),
  primary_key TEXT,
  secondary_key TEXT,
  primary_thumbprint TEXT,
  secondary_thumbprint TEXT,
  iot_edge INTEGER NOT NULL DEFAULT 0 CHECK (iot_edge IN (0, 1)),
  device_scope TEXT,
  model_id TEXT NOT NULL DEFAULT '',
  managed_by TEXT,
  retired_keys TEXT NOT NULL DEFAULT '[]',
  twin_etag TEXT NOT NULL,
  twin_version INTEGER NOT NULL DEFAULT 1,
  tags TEXT NOT NULL DEFAULT '{}',
  desired TEXT NOT NULL DEFAULT '{}',
  desired_version INTEGER NOT NULL DEFAULT 1,
  desired_metadata TEXT NOT NULL DEFAULT '{}',
  reported TEXT NOT NULL DEFAULT '{}',
  reported_version INTEGER NOT NULL DEFAULT 1,
  reported_metadata TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (device_id, module_id)
) STRICT;
INSERT INTO identities (device_id, generation_id, etag, status, status_reason, status_updated_time, connection_state,
    connection_state_updated_time, last_activity_time, authentication_type, primary_key, secondary_key,
    primary_thumbprint, secondary_thumbprint, iot_edge, device_scope, model_id, twin_etag, twin_version, tags, desired,
    desired_version, desired_metadata, reported, reported_version, reported_metadata)
  SELECT device_id, generation_id, etag, status, status_reason, status_updated_time, connection_state,
    connection_state_updated_time, last_activity_time, authentication_type, primary_key, secondary_key,
    primary_thumbprint, secondary_thumbprint, iot_edge, device_scope, model_id, twin_etag, twin_version, tags, desired,
    desired_version, desired_metadata, reported, reported_version, reported_metadata
  FROM devices;

ALTER TABLE stored_subscriptions RENAME TO device_subscriptions;
CREATE TABLE stored_subscriptions (
  device_id TEXT NOT NULL,
  module_id TEXT NOT NULL DEFAULT '',
  filter TEXT NOT NULL,
  qos INTEGER NOT NULL,
  PRIMARY KEY (device_id, module_id, filter),
  FOREIGN KEY (device_id, module_id) REFERENCES identities (device_id, module_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO stored_subscriptions (device_id, filter, qos) SELECT device_id, filter, qos FROM device_subscriptions;

ALTER TABLE file_uploads RENAME TO device_uploads;
DROP INDEX file_uploads_by_device;
CREATE TABLE file_uploads (
  correlation_id TEXT PRIMARY KEY,
  device_id TEXT NOT NULL,
  module_id TEXT NOT NULL DEFAULT '' CHECK (module_id = ''),
  blob_name TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  FOREIGN KEY (device_id, module_id) REFERENCES identities (device_id, module_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX file_uploads_by_device ON file_uploads (device_id, module_id);
INSERT INTO file_uploads (correlation_id, device_id, blob_name, expires_ms)
  SELECT correlation_id, device_id, blob_name, expires_ms FROM device_uploads;

-- First what refers to devices: dropping them would delete it.
DROP TABLE device_subscriptions;
DROP TABLE device_uploads;
DROP TABLE devices;

ALTER TABLE messages ADD COLUMN module_id TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN auth_type TEXT NOT NULL DEFAULT 'sas';
`;

/**
 * Queues of messages to devices (`delivered`: may have reached its device already), and of what the hub tells services:
 * one record of feedback, or one file notification, a row. A deleted device's messages go with it, and its feedback.
 */
const CLOUD_TO_DEVICE = `
CREATE TABLE device_messages (
  sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id TEXT NOT NULL,
  generation_id TEXT NOT NULL,
  enqueued_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  delivery_count INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1)),
  system_properties TEXT NOT NULL,
  properties TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX device_messages_by_device ON device_messages (device_id);
CREATE INDEX device_messages_by_expiry ON device_messages (expires_ms);

CREATE TABLE service_messages (
  sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL CHECK (queue IN ('feedback', 'fileNotifications')),
  device_id TEXT NOT NULL,
  enqueued_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  delivery_count INTEGER NOT NULL DEFAULT 0,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX service_messages_by_queue ON service_messages (queue);
CREATE INDEX service_messages_by_device ON service_messages (device_id);
CREATE INDEX service_messages_by_expiry ON service_messages (expires_ms);
-- It took notifications in that nothing gave out.
DROP TABLE file_notifications;

ALTER TABLE identities ADD COLUMN cloud_to_device_count INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER device_message_counted AFTER INSERT ON device_messages BEGIN
  UPDATE identities SET cloud_to_device_count = cloud_to_device_count + 1
    WHERE device_id = NEW.device_id AND module_id = '';
END;
CREATE TRIGGER device_message_discounted AFTER DELETE ON device_messages BEGIN
  UPDATE identities SET cloud_to_device_count = cloud_to_device_count - 1
    WHERE device_id = OLD.device_id AND module_id = '';
END;
CREATE TRIGGER device_queue_dropped AFTER DELETE ON identities WHEN OLD.module_id = '' BEGIN
  DELETE FROM device_messages WHERE device_id = OLD.device_id;
  DELETE FROM service_messages WHERE device_id = OLD.device_id AND queue = 'feedback';
END;
`;

/**
 * Automatic device configurations, kept for those who read them; and scheduled jobs, with what they did to each device.
 * `jobs.work` is the direct method or the change of the twin as given. What has not happened yet has no time.
 * `messages.enrichments` is what endpoints get beside the properties: JSON of sets of endpoints, names and values.
 */
const CONFIGURATIONS_AND_JOBS = `
CREATE TABLE configurations (
  configuration_id TEXT PRIMARY KEY,
  version INTEGER NOT NULL DEFAULT 1,
  schema_version TEXT NOT NULL,
  labels TEXT NOT NULL,
  content TEXT NOT NULL,
  target_condition TEXT NOT NULL,
  priority INTEGER NOT NULL,
  metric_queries TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  last_updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
  sequence_number INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL CHECK (type IN ('scheduleDeviceMethod', 'scheduleUpdateTwin')),
  status TEXT NOT NULL CHECK (status IN ('scheduled', 'running', 'completed', 'cancelled')),
  work TEXT NOT NULL,
  query_condition TEXT NOT NULL,
  max_execution_seconds INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  began_ms INTEGER,
  end_ms INTEGER
) STRICT;
CREATE INDEX jobs_by_status ON jobs (status, start_ms);

CREATE TABLE device_jobs (
  job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
  device_id TEXT NOT NULL,
  module_id TEXT NOT NULL DEFAULT '',
  job_type TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed', 'canceled')),
  created_time TEXT NOT NULL,
  start_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  end_time TEXT NOT NULL DEFAULT '0001-01-01T00:00:00Z',
  last_updated_time TEXT NOT NULL,
  outcome TEXT,
  error TEXT,
  PRIMARY KEY (job_id, device_id, module_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_jobs_by_status ON device_jobs (job_id, status, device_id, module_id);
CREATE INDEX device_jobs_by_device ON device_jobs (device_id);

ALTER TABLE messages ADD COLUMN enrichments TEXT;
`;

/** The built-in endpoint tells its readers of a partition's last event, also when that is deleted. */
const EVENTS = `
ALTER TABLE event_partitions ADD COLUMN last_deleted_offset INTEGER NOT NULL DEFAULT -1;
ALTER TABLE event_partitions ADD COLUMN last_deleted_ms INTEGER NOT NULL DEFAULT 0;
`;

/**
 * The log in runs: messages of one partition that were committed together, with the place of the last one (`last_sequence`)
 * and their number. `last_event` is the number, within the partition, of the last of them that is for the built-in
 * endpoint; `endpoints` is the union of their sets, `shared_endpoints` what all of them have. `stretches` is JSON: what consecutive messages have in common, and of
 * each `[enqueued_ms, endpoints, length of the body]`; `bodies` are the bodies, one after the other.
 */
const MESSAGE_RUNS = `
CREATE TABLE message_runs (
  last_sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  messages INTEGER NOT NULL,
  partition_id INTEGER NOT NULL,
  last_event INTEGER,
  last_enqueued_ms INTEGER NOT NULL,
  endpoints INTEGER NOT NULL,
  shared_endpoints INTEGER NOT NULL,
  stretches TEXT NOT NULL,
  bodies BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_partition ON message_runs (partition_id, last_event) WHERE last_event IS NOT NULL;
INSERT INTO message_runs (last_sequence, messages, partition_id, last_event, last_enqueued_ms, endpoints,
    shared_endpoints, stretches, bodies)
  SELECT sequence_number, 1, partition_id, events_sequence, enqueued_ms, endpoints, endpoints,
    json_array(json_object('source', source, 'deviceId', device_id, 'moduleId', nullif(module_id, ''),
      'generationId', generation_id, 'authScope', auth_scope, 'authType', auth_type,
      'systemProperties', json(system_properties), 'properties', json(properties), 'stamped', json(enrichments),
      'messages', json_array(json_array(enqueued_ms, endpoints, length(body))))),
    body
  FROM messages ORDER BY sequence_number;
DELETE FROM sqlite_sequence WHERE name = 'message_runs';
INSERT INTO sqlite_sequence (name, seq) SELECT 'message_runs', seq FROM sqlite_sequence WHERE name = 'messages';
DROP TABLE messages;
`;

/**
 * The steps from an empty database to today's; a database has the first of them, as many as its `user_version` says.
 * What is released is never changed again: a change is a further step.
 */
export const SCHEMA_STEPS: readonly string[] = [
  FIRST,
  ROUTING,
  MODULES,
  CLOUD_TO_DEVICE,
  CONFIGURATIONS_AND_JOBS,
  EVENTS,
  MESSAGE_RUNS,
];
