import { unexpectedAnswer } from './failures.js';

/** In characters; an event of the API has some hundreds. */
const LONGEST_EVENT = 4 * 1024 * 1024;

/** One event of an event stream. */
export interface ServerSentEvent {
  /** Its kind; `message` where the stream names none. */
  event: string;
  data: string;
}

/**
 * Takes an event stream apart, however its bytes are cut. Comments, ids and what an unfinished last event holds are left out.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* parseEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    // A carriage return at the end may be the first half of a line's end.
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_EVENT) throw unexpectedAnswer({});
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event: event || 'message', data: data.join('\n') };
        event = '';
        data = [];
        continue;
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
  }
}
