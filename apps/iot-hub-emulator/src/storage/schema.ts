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

/** Module identities. */
const MODULES = '';

/** Queues of messages to devices, and of what the hub tells services. */
const CLOUD_TO_DEVICE = '';

/** Automatic device configurations, and scheduled jobs. */
const CONFIGURATIONS_AND_JOBS = '';

/** What reading the built-in endpoint takes. */
const EVENTS = '';

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
];
