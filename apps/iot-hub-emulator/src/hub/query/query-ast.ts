/** A constant of the query language; `undefined` is one of them. */
export type ConstantValue = string | number | boolean | null | undefined;

/** A dotted attribute name such as `properties.reported.level`, as written, with its place in the query text. */
export interface PathExpression {
  readonly kind: 'path';
  readonly segments: readonly [string, ...string[]];
  readonly position: number;
}

export type EqualityOperator = '=' | '!=';
export type OrderOperator = '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

/** A condition or value of the query language. `<>` is written `!=` here. */
export type Expression =
  | { readonly kind: 'constant'; readonly value: ConstantValue }
  | PathExpression
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
  | {
      readonly kind: 'comparison';
      readonly operator: EqualityOperator | OrderOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'membership';
      readonly negated: boolean;
      readonly operand: Expression;
      readonly items: readonly ConstantValue[];
    }
  /** `name` in upper case; a function of the language, with as many arguments as it takes. */
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Expression[] };

export type AggregateName = 'COUNT' | 'AVG' | 'SUM' | 'MIN' | 'MAX';

/** One column of a SELECT list. `alias` is the name given by AS. */
export interface Projection {
  readonly value:
    PathExpression | { readonly kind: 'aggregate'; readonly name: AggregateName; readonly operand?: PathExpression };
  readonly alias?: string;
  readonly position: number;
}

/** A query as parsed: syntax is right, attribute names are not resolved yet. */
export interface Query {
  /** Most rows over all pages. */
  readonly top?: number;
  /** Absent: `SELECT *`. */
  readonly projections?: readonly Projection[];
  readonly source: PathExpression;
  readonly where?: Expression;
  readonly groupBy?: PathExpression;
}
