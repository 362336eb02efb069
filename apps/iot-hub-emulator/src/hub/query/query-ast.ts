/** A constant of the query language; `undefined` is one of them. */
export type ConstantValue = string | number | boolean | null | undefined;

/** A dotted attribute name such as `properties.reported.level`, as written, with its place in the query text. */
export interface PathExpression {
  readonly kind: 'path';
  readonly segments: readonly [string, ...string[]];
  readonly position: number;
}

export interface ConstantExpression {
  readonly kind: 'constant';
  readonly value: ConstantValue;
}

export type EqualityOperator = '=' | '!=';
export type OrderOperator = '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

export type TypeTest =
  'IS_ARRAY' | 'IS_BOOL' | 'IS_DEFINED' | 'IS_NULL' | 'IS_NUMBER' | 'IS_OBJECT' | 'IS_PRIMITIVE' | 'IS_STRING';
export type TextTest = 'STARTSWITH' | 'ENDSWITH';

/** A condition or value of the query language. `<>` is written `!=` here. */
export type Expression =
  | ConstantExpression
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
  | { readonly kind: 'typeTest'; readonly test: TypeTest; readonly operand: Expression }
  | { readonly kind: 'textTest'; readonly test: TextTest; readonly text: Expression; readonly part: Expression };

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
