import { Counter, type Registry } from 'prom-client';

interface Row {
  readonly values: readonly string[];
  count: number;
}

/**
 * Counts by labels: no more than an addition where something happens, put into Prometheus' form only when somebody asks.
 * Labels come from fixed sets, never from what clients send (no device ids): each new value is a row kept for ever.
 */
export class Tally {
  private readonly rows = new Map<string, Row>();

  constructor(
    registry: Registry,
    description: { readonly name: string; readonly help: string; readonly labels: readonly string[] },
  ) {
    const { name, help, labels } = description;
    const rows = this.rows;
    new Counter({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        this.reset();
        for (const { values, count } of rows.values()) {
          this.inc(Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ''])), count);
        }
      },
    });
  }

  /** One more. @param values of the labels, in the order in which they were declared. */
  add(...values: readonly string[]): void {
    this.addMany(1, ...values);
  }

  /** `count` more. */
  addMany(count: number, ...values: readonly string[]): void {
    this.row(...values).count += count;
  }

  /** What counts for these labels, to be kept where something happens all the time. */
  row(...values: readonly string[]): { count: number } {
    const key = values.join('\n');
    let row = this.rows.get(key);
    if (row === undefined) {
      row = { values, count: 0 };
      this.rows.set(key, row);
    }
    return row;
  }
}
