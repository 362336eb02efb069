import { invalidQuery } from './invalid-query.js';
import { MAX_QUERY_LENGTH } from './query-limits.js';

export type Punctuation =
  '(' | ')' | '[' | ']' | ',' | '*' | '=' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '/' | '%';

/** `position` is the zero-based offset of the token's first character. */
export type Token =
  | {
      readonly kind: 'name';
      /** The parts of a dotted name. A name that must not be read as a keyword is `bracketed` or has several parts. */
      readonly segments: readonly [string, ...string[]];
      readonly bracketed: boolean;
      readonly position: number;
    }
  | { readonly kind: 'text'; readonly value: string; readonly position: number }
  | { readonly kind: 'number'; readonly value: number; readonly position: number }
  | { readonly kind: 'punctuation'; readonly value: Punctuation; readonly position: number }
  | { readonly kind: 'end'; readonly position: number };

const SPACE = /\s*/y;
const FIRST_SEGMENT = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
// After a dot there is no doubt that a name follows: it may begin with a digit.
const NEXT_SEGMENT = /[\p{L}\p{N}_$]+/uy;
// A key with other characters is put in double brackets, as in `configurations.[[my-config]].status`.
// The last of several closing brackets ends it, so that a key may itself end with one.
const BRACKETED_SEGMENT = /\[\[(.+?)\]\](?!\])/suy;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const PUNCTUATION = /<>|!=|<=|>=|[()[\],*=<>+\-/%]/y;
const ESCAPE = /\\(?:(['"\\])|u([0-9a-fA-F]{4}))/y;

/** Reads the name that begins at a position, if one does. Languages with these tokens differ in their names alone. */
export type NameReader = (query: string, position: number) => { token: Token; end: number } | undefined;

/**
 * The tokens of a query, the last one of kind `end`.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language#expressions-and-conditions
 */
export function tokenize(query: string, nameReader: NameReader = readName): Token[] {
  if (query.length > MAX_QUERY_LENGTH) {
    throw invalidQuery(MAX_QUERY_LENGTH, `a query has at most ${MAX_QUERY_LENGTH} characters.`);
  }
  const tokens: Token[] = [];
  let position = skipSpace(query, 0);
  while (position < query.length) {
    const { token, end } = readToken(query, position, nameReader);
    tokens.push(token);
    position = skipSpace(query, end);
  }
  tokens.push({ kind: 'end', position });
  return tokens;
}

interface Read {
  token: Token;
  end: number;
}

function readToken(query: string, position: number, nameReader: NameReader): Read {
  const character = query.charAt(position);
  if (character === "'" || character === '"') return readText(query, position, character);
  const punctuation = match(PUNCTUATION, query, position);
  const number = match(NUMBER, query, position);
  if (number !== undefined) return readNumber(query, position, number[0]);
  const name = nameReader(query, position);
  if (name !== undefined) return name;
  if (punctuation !== undefined) {
    const value = punctuation[0] === '<>' ? '!=' : (punctuation[0] as Punctuation);
    return { token: { kind: 'punctuation', value, position }, end: position + punctuation[0].length };
  }
  throw invalidQuery(
    position,
    `unexpected character ${JSON.stringify(String.fromCodePoint(query.codePointAt(position) ?? 0))}.`,
  );
}

function readName(query: string, position: number): Read | undefined {
  const first = readSegment(FIRST_SEGMENT, query, position);
  if (first === undefined) return undefined;
  const segments: [string, ...string[]] = [first.segment];
  let { end, bracketed } = first;
  while (query.charAt(end) === '.') {
    const next = readSegment(NEXT_SEGMENT, query, end + 1);
    if (next === undefined) {
      throw invalidQuery(
        end + 1,
        'a name must follow the dot; put other characters into double brackets, as in tags.[[my-key]].',
      );
    }
    segments.push(next.segment);
    bracketed ||= next.bracketed;
    end = next.end;
  }
  return { token: { kind: 'name', segments, bracketed, position }, end };
}

function readSegment(
  plain: RegExp,
  query: string,
  position: number,
): { segment: string; bracketed: boolean; end: number } | undefined {
  const bracketed = match(BRACKETED_SEGMENT, query, position);
  if (bracketed?.[1] !== undefined) {
    return { segment: bracketed[1], bracketed: true, end: position + bracketed[0].length };
  }
  const found = match(plain, query, position);
  return found && { segment: found[0], bracketed: false, end: position + found[0].length };
}

function readNumber(query: string, position: number, text: string): Read {
  const end = position + text.length;
  const value = Number(text);
  if (!Number.isFinite(value)) throw invalidQuery(position, 'the number is too large.');
  if (match(NEXT_SEGMENT, query, end) !== undefined)
    throw invalidQuery(end, `the number ${text} is followed by a letter.`);
  return { token: { kind: 'number', value, position }, end };
}

function readText(query: string, position: number, quote: string): Read {
  let value = '';
  let at = position + 1;
  while (at < query.length) {
    const character = query.charAt(at);
    if (character === quote) return { token: { kind: 'text', value, position }, end: at + 1 };
    if (character === '\\') {
      const escape = match(ESCAPE, query, at);
      if (escape === undefined) throw invalidQuery(at, String.raw`the escapes of a text are \' \" \\ and \uXXXX.`);
      value += escape[1] ?? String.fromCharCode(Number.parseInt(escape[2] ?? '', 16));
      at += escape[0].length;
    } else {
      value += character;
      at += 1;
    }
  }
  throw invalidQuery(position, 'the text that begins here has no closing quote.');
}

function match(pattern: RegExp, query: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(query) ?? undefined;
}

const skipSpace = (query: string, position: number): number =>
  position + (match(SPACE, query, position)?.[0].length ?? 0);
