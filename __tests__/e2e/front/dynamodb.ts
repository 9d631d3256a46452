import type { Bridges, Forward } from "./bridge.ts";
import type { Answer, AwsCall } from "./exchange.ts";

/**
 * DynamoDB. moto does not carry a conditional write out as one step: of two writes at once both may find their condition
 * met. With us they come one after the other.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BestPractices_ImplementingVersionControl.html
 */
export function dynamoDbBridges(): Bridges {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (_: AwsCall, forward: Forward): Promise<Answer> => {
    const answer = last.then(() => forward());
    last = answer.catch(() => {});
    return answer;
  };
  return { "dynamodb:PutItem": inTurn, "dynamodb:UpdateItem": inTurn };
}
