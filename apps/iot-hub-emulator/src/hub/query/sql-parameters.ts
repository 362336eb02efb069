export type SqlValue = string | number;

/** The values of a statement's numbered placeholders. Equal values share one. */
export class SqlParameters {
  private readonly placeholders = new Map<SqlValue, string>();

  /** The placeholder that stands for `value`, such as `?3`. */
  bind(value: SqlValue): string {
    let placeholder = this.placeholders.get(value);
    if (placeholder === undefined) {
      placeholder = `?${this.placeholders.size + 1}`;
      this.placeholders.set(value, placeholder);
    }
    return placeholder;
  }

  get values(): SqlValue[] {
    return [...this.placeholders.keys()];
  }
}
