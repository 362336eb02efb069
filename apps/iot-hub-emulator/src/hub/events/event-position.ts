/** Where in a partition reading begins. A position older than the oldest event kept begins with that one. */
export type EventPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | {
      readonly kind: 'offset' | 'sequenceNumber' | 'enqueuedTime';
      /** Of `enqueuedTime`: milliseconds since 1970. */
      readonly value: number;
      /** Whether an event at this very position is read too. */
      readonly isInclusive: boolean;
    };
