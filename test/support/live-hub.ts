/** What it takes to judge a real hub by the same table; undefined to judge an emulator. */
export interface LiveHub {
  /** Of a policy with all rights. */
  readonly serviceConnectionString: string;
  /** Event Hubs-compatible, with the name of the event hub as EntityPath. */
  readonly eventsConnectionString: string;
}

/**
 * The real hub that the environment names. It needs device file uploads with notifications switched on, and gets devices
 * with names of their own, which go at the end.
 *
 * @throws Error when only one of its two connection strings is given.
 */
export function liveHub(): LiveHub | undefined {
  const serviceConnectionString = process.env.LIVE_IOT_HUB_CONNECTION_STRING;
  const eventsConnectionString = process.env.LIVE_IOT_HUB_EVENTS_CONNECTION_STRING;
  if (!serviceConnectionString && !eventsConnectionString) return undefined;
  if (!serviceConnectionString || !eventsConnectionString) {
    throw new Error(
      'Give LIVE_IOT_HUB_CONNECTION_STRING (of policy iothubowner) and LIVE_IOT_HUB_EVENTS_CONNECTION_STRING, or neither.',
    );
  }
  return { serviceConnectionString, eventsConnectionString };
}
