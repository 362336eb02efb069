/** How one error code is shown over HTTP. */
export interface ErrorEntry {
  /** The HTTP status. */
  readonly status: number;
  /** What went wrong, the same for every occurrence. */
  readonly title: string;
  /** What the caller can do about it. */
  readonly hint: string;
}

/** A module's error codes, each with how it is shown over HTTP. */
export type ErrorTable = Readonly<Record<string, ErrorEntry>>;
