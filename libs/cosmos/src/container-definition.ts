/** What a container is made with; see https://learn.microsoft.com/azure/cosmos-db/index-policy */
export interface ContainerDefinition {
  readonly partitionKeyPath: string;
  /** Documents are deleted so many seconds after their last write. */
  readonly defaultTtlSeconds: number;
  readonly includedPaths: readonly string[];
  readonly excludedPaths: readonly string[];
  /** Property paths by which rows can be sorted together, newest or largest first. */
  readonly descendingTogether: readonly (readonly string[])[];
}
