import { invalidQuery } from './invalid-query.js';
import type { PathExpression } from './query-ast.js';
import { tokenize, type Punctuation, type Token } from './tokenizer.js';

const RESERVED = new Set('SELECT TOP AS FROM WHERE GROUP BY AND OR NOT IN NIN TRUE FALSE NULL UNDEFINED'.split(' '));

/** Words of other query languages, with what to do instead. */
const REFUSED_WORDS = new Map([
  ['ORDER', 'the query language has no ORDER BY; sort the results after fetching them.'],
  ['JOIN', 'the query language has no JOIN.'],
  ['LIKE', 'the query language has no LIKE; use STARTSWITH(name, text) or ENDSWITH(name, text).'],
  ['BETWEEN', 'the query language has no BETWEEN; use >= and <=.'],
  ['HAVING', 'the query language has no HAVING.'],
  ['DISTINCT', 'the query language has no DISTINCT; use GROUP BY.'],
  ['LIMIT', 'the query language has no LIMIT; use SELECT TOP n, or a page size.'],
  ['OFFSET', 'the query language has no OFFSET; use the continuation token.'],
  ['UNION', 'the query language has no UNION.'],
  ['EXISTS', 'the query language has no EXISTS; use IS_DEFINED(name).'],
  ['IS', 'the query language has no IS; use = null or IS_DEFINED(name).'],
  ['SELECT', 'the query language has no subqueries.'],
]);

/** Walks over the tokens of a query, and says what it found where something else was wanted. */
export class TokenReader {
  /** Index of the current token. */
  protected next = 0;

  constructor(
    protected readonly text: string,
    private readonly tokens: readonly Token[] = tokenize(text),
  ) {}

  protected get token(): Token {
    return this.tokens[this.next] ?? { kind: 'end', position: this.text.length };
  }

  protected get following(): Token | undefined {
    return this.tokens[this.next + 1];
  }

  /** The current token as an upper-case word, if it is a plain one. */
  protected keyword(): string | undefined {
    const { token } = this;
    return token.kind === 'name' && token.segments.length === 1 && !token.bracketed
      ? token.segments[0].toUpperCase()
      : undefined;
  }

  protected punctuation(): string {
    const { token } = this;
    return token.kind === 'punctuation' ? token.value : '';
  }

  protected isKeyword(keyword: string): boolean {
    return this.keyword() === keyword;
  }

  protected isPunctuation(value: Punctuation): boolean {
    return this.punctuation() === value;
  }

  protected takeKeyword(keyword: string): boolean {
    const found = this.isKeyword(keyword);
    if (found) this.next += 1;
    return found;
  }

  protected takePunctuation(value: Punctuation): boolean {
    const found = this.isPunctuation(value);
    if (found) this.next += 1;
    return found;
  }

  protected expectKeyword(keyword: string): void {
    if (!this.takeKeyword(keyword)) throw this.unexpected(keyword);
  }

  protected expectPunctuation(value: Punctuation): void {
    if (!this.takePunctuation(value)) throw this.unexpected(`"${value}"`);
  }

  protected unexpected(wanted: string): Error {
    const { token } = this;
    const refused = REFUSED_WORDS.get(this.keyword() ?? '');
    if (refused !== undefined && (this.next > 0 || this.keyword() !== 'SELECT')) {
      return invalidQuery(token.position, refused);
    }
    const end = this.following?.position ?? this.text.length;
    const found = token.kind === 'end' ? 'the end of the query' : `"${this.text.slice(token.position, end).trim()}"`;
    return invalidQuery(token.position, `expected ${wanted}, found ${found}.`);
  }

  protected isCall(): boolean {
    const { following } = this;
    const word = this.keyword();
    return word !== undefined && !RESERVED.has(word) && following?.kind === 'punctuation' && following.value === '(';
  }

  protected path(wanted: string): PathExpression {
    const { token } = this;
    if (token.kind !== 'name') throw this.unexpected(wanted);
    const word = this.keyword();
    if (word !== undefined && (RESERVED.has(word) || this.isRefusedWord(word))) throw this.unexpected(wanted);
    this.next += 1;
    return { kind: 'path', segments: token.segments, position: token.position };
  }

  /** Whether the word stands where another language's clause would: followed by something that cannot follow a name. */
  protected isRefusedWord(word: string): boolean {
    const { following } = this;
    return REFUSED_WORDS.has(word) && following?.kind === 'name' && !this.isReservedName(following);
  }

  protected isReservedName(token: Token & { kind: 'name' }): boolean {
    return token.segments.length === 1 && !token.bracketed && RESERVED.has(token.segments[0].toUpperCase());
  }
}
