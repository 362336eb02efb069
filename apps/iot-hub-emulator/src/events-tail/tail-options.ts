/** What `events tail` understands. */
export interface TailSettings {
  readonly fromBeginning: boolean;
  /** Events of this device alone, its modules included. */
  readonly device?: string;
  readonly consumerGroup: string;
  readonly json: boolean;
  readonly connectionString?: string;
  readonly dataDir: string;
}
