/** Who runs the hub's jobs. */
export interface JobListener {
  /** There is a new job. */
  created(): void;
  cancelled(jobId: string): void;
}

/** Tells who runs the hub's jobs of those that are new or cancelled, if anybody does. */
export class JobChanges {
  private listener: JobListener | undefined;

  /** @returns a function that ends it. */
  listen(listener: JobListener): () => void {
    this.listener = listener;
    return () => {
      if (this.listener === listener) this.listener = undefined;
    };
  }

  created(): void {
    this.listener?.created();
  }

  cancelled(jobId: string): void {
    this.listener?.cancelled(jobId);
  }
}
