/**
 * Longest query text, in characters.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/query-twins#twin-query-limitations
 */
export const MAX_QUERY_LENGTH = 8192;

/** Deepest nesting of parentheses, NOT, function arguments and chained arithmetic. IoT Hub publishes no figure. */
export const MAX_QUERY_DEPTH = 50;

/** Most values in one IN or NIN list. IoT Hub publishes no figure. */
export const MAX_LIST_ITEMS = 1000;

/** Most columns in one SELECT list. IoT Hub publishes no figure. */
export const MAX_PROJECTIONS = 100;

/**
 * Most results in one page, and the page size when the caller names none.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language#query-examples-with-the-service-sdks
 */
export const MAX_PAGE_ITEMS = 1000;

/** A page ends early when the JSON of its twins exceeds this size; the rest follows by continuation token. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;
