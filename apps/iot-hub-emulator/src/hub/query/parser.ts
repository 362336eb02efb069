import { ExpressionReader, type FunctionSignature } from './expression-reader.js';
import { invalidQuery } from './invalid-query.js';
import type { AggregateName, Expression, PathExpression, Projection, Query } from './query-ast.js';
import { FUNCTIONS_OF_ROUTES, QUERY_FUNCTIONS } from './query-functions.js';
import { MAX_PROJECTIONS } from './query-limits.js';

const AGGREGATES = new Set<AggregateName>(['COUNT', 'AVG', 'SUM', 'MIN', 'MAX']);

/**
 * The syntax tree of a query.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export function parseQuery(text: string): Query {
  return new QueryReader(text).query();
}

/**
 * The syntax tree of a condition that stands alone, as the target of a job or a configuration.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 */
export function parseCondition(text: string): Expression {
  return new QueryReader(text).condition();
}

class QueryReader extends ExpressionReader {
  protected override readonly nameKind = 'an attribute';

  query(): Query {
    this.expectKeyword('SELECT');
    const top = this.takeKeyword('TOP') ? this.topCount() : undefined;
    const projections = this.takePunctuation('*') ? undefined : this.projections();
    this.expectKeyword('FROM');
    const source = this.path('the name of a collection, such as devices');
    const where = this.takeKeyword('WHERE') ? this.expression() : undefined;
    const groupBy = this.takeKeyword('GROUP') ? this.groupBy() : undefined;
    if (this.token.kind !== 'end') throw this.unexpected('the end of the query');
    return {
      ...(top !== undefined && { top }),
      ...(projections && { projections }),
      source,
      ...(where && { where }),
      ...(groupBy && { groupBy }),
    };
  }

  condition(): Expression {
    const condition = this.expression();
    if (this.token.kind !== 'end') throw this.unexpected('the end of the condition');
    return condition;
  }

  private topCount(): number {
    const { token } = this;
    if (token.kind !== 'number' || !Number.isSafeInteger(token.value) || token.value < 1) {
      throw invalidQuery(token.position, 'TOP needs a whole number from 1.');
    }
    this.next += 1;
    return token.value;
  }

  private groupBy(): PathExpression {
    this.expectKeyword('BY');
    const path = this.path('the name of an attribute');
    if (this.isPunctuation(',')) throw invalidQuery(this.token.position, 'GROUP BY takes one attribute.');
    return path;
  }

  private projections(): Projection[] {
    const projections: Projection[] = [];
    do {
      if (projections.length === MAX_PROJECTIONS) {
        throw invalidQuery(this.token.position, `SELECT takes at most ${MAX_PROJECTIONS} columns.`);
      }
      projections.push(this.projection());
    } while (this.takePunctuation(','));
    return projections;
  }

  private projection(): Projection {
    const { position } = this.token;
    const value = this.isCall() ? this.aggregate() : this.path('*, an attribute or an aggregate');
    if (!this.takeKeyword('AS')) return { value, position };
    const { token } = this;
    const [alias, ...more] = this.path('a name for the column').segments;
    if (more.length > 0) throw invalidQuery(token.position, 'the name of a column has no dots.');
    return { value, alias, position };
  }

  private aggregate(): Projection['value'] {
    const { position } = this.token;
    const name = this.functionName();
    if (!isAggregate(name)) {
      throw invalidQuery(position, `${name} is no aggregate; SELECT knows COUNT, AVG, SUM, MIN and MAX.`);
    }
    const operand = name === 'COUNT' ? undefined : this.path('the name of an attribute');
    this.expectPunctuation(')');
    return { kind: 'aggregate', name, ...(operand && { operand }) };
  }

  protected override functionNamed(name: string, position: number): FunctionSignature {
    const known = QUERY_FUNCTIONS.get(name);
    if (known !== undefined) return known;
    if (isAggregate(name)) throw invalidQuery(position, `the aggregate ${name} can stand in SELECT alone.`);
    const hint = FUNCTIONS_OF_ROUTES.get(name);
    throw invalidQuery(
      position,
      hint === undefined
        ? `there is no function ${name}.`
        : `the function ${name} belongs to message routes, queries do not have it.${hint}`,
    );
  }
}

const isAggregate = (name: string): name is AggregateName => (AGGREGATES as ReadonlySet<string>).has(name);
