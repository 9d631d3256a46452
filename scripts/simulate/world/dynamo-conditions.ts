import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item, or none. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** The names and values that an expression stands for. */
export interface Placeholders {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>> | undefined;
}

type Condition = (item: Item | undefined, given: Placeholders) => boolean;
type Operand = (item: Item | undefined, given: Placeholders) => string | number | boolean | undefined;

/**
 * Reads a condition of DynamoDB, as far as the run ledger writes one: AND, OR, parentheses, `=`, `<`, `>` and
 * `attribute_not_exists`. AND binds more tightly. An absent attribute fits no comparison.
 *
 * @throws where it has anything else
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
export function parseCondition(text: string): Condition {
  const tokens = text.match(/attribute_not_exists|AND|OR|[()=<>]|[#:]\w+|\S/g) ?? [];
  let next = 0;
  const condition = either();
  if (next < tokens.length) throw unknown();
  return condition;

  function either(): Condition {
    let left = both();
    while (taken("OR")) left = or(left, both());
    return left;
  }

  function both(): Condition {
    let left = single();
    while (taken("AND")) left = and(left, single());
    return left;
  }

  function single(): Condition {
    if (taken("(")) return closed(either());
    if (taken("attribute_not_exists")) {
      need("(");
      const value = operand();
      return closed((item, given) => value(item, given) === undefined);
    }
    const left = operand();
    const operator = tokens[next];
    next += 1;
    const right = operand();
    return (item, given) => compare(operator, left(item, given), right(item, given));
  }

  function operand(): Operand {
    const token = tokens[next];
    next += 1;
    if (token?.startsWith("#")) {
      return (item, { ExpressionAttributeNames: names = {} }) => plain(item?.[names[token] ?? ""]);
    }
    if (token?.startsWith(":")) return (_, { ExpressionAttributeValues: values = {} }) => plain(values[token]);
    throw unknown();
  }

  function closed(inner: Condition): Condition {
    need(")");
    return inner;
  }

  function need(token: string): void {
    if (!taken(token)) throw unknown();
  }

  function taken(token: string): boolean {
    if (tokens[next] !== token) return false;
    next += 1;
    return true;
  }

  function unknown(): Error {
    return new Error(`a condition that this table does not know, at ${tokens[next]}: ${text}`);
  }

  function compare(operator: string | undefined, left: ReturnType<Operand>, right: ReturnType<Operand>): boolean {
    if (operator !== "=" && operator !== "<" && operator !== ">") throw unknown();
    if (left === undefined || right === undefined) return false;
    if (operator === "=") return left === right;
    return operator === "<" ? left < right : left > right;
  }
}

function or(one: Condition, other: Condition): Condition {
  return (item, given) => one(item, given) || other(item, given);
}

function and(one: Condition, other: Condition): Condition {
  return (item, given) => one(item, given) && other(item, given);
}

function plain(value: AttributeValue | undefined): string | number | boolean | undefined {
  return value?.N === undefined ? (value?.S ?? value?.BOOL) : Number(value.N);
}
