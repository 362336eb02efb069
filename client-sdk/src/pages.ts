/** One page of a list, as the API answers it. */
export interface Page<Item> {
  items: Item[];
  /** Gives the next page; null on the last. */
  continuation_token: string | null;
}

/**
 * A list that comes page by page. Nothing is asked before it is read:
 *
 * - `for await (const item of pages)` gives the items of all pages, each page asked for when it is needed;
 * - `for await (const page of pages.byPage())` gives the pages;
 * - `await pages.page()` gives one page alone, the first or the one that the given `continuation_token` names.
 */
export class Pages<Item> implements AsyncIterable<Item> {
  readonly #read: (token: string | undefined) => Promise<Page<Item>>;
  readonly #start: string | undefined;

  /** @internal */
  constructor(start: string | undefined, read: (token: string | undefined) => Promise<Page<Item>>) {
    this.#start = start;
    this.#read = read;
  }

  /** The one page that the call names. */
  page(): Promise<Page<Item>> {
    return this.#read(this.#start);
  }

  /** The pages, from the one that the call names to the last. */
  async *byPage(): AsyncGenerator<Page<Item>, void, undefined> {
    let token = this.#start;
    do {
      const page = await this.#read(token);
      yield page;
      token = page.continuation_token ?? undefined;
    } while (token !== undefined);
  }

  /** The items of those pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const { items } of this.byPage()) yield* items;
  }
}
