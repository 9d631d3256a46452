import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  type PutItemCommandInput,
  type ScanCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { type Item, parseCondition } from "./dynamo-conditions.ts";

interface TableOptions {
  readonly clock: Clock;
  /** The partition key: text. */
  readonly key: string;
  /** The attribute with the second at which an item expires. */
  readonly ttl: string;
  readonly onCall: () => void;
}

/**
 * A client of a table in memory: PutItem and Scan, with their conditions. An expired item is deleted at the next scan.
 * DynamoDB takes days for that, so readers filter by themselves.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export function tableClient({ clock, key, ttl, onCall }: TableOptions): DynamoDBClient {
  const items = new Map<string, Item>();
  const conditions = new Map<string, ReturnType<typeof parseCondition>>();
  const operations: Readonly<Record<string, (input: never) => object>> = {
    PutItemCommand({ Item: item = {}, ConditionExpression: text, ...given }: PutItemCommandInput) {
      const id = keyOf(item);
      if (text !== undefined && !conditionOf(text)(items.get(id), given)) {
        throw new ConditionalCheckFailedException({ message: "The conditional request failed", $metadata: {} });
      }
      items.set(id, item);
      return {};
    },
    ScanCommand({ FilterExpression: text, ...given }: ScanCommandInput) {
      const now = clock.now().getTime() / 1000;
      for (const [id, item] of items) if (Number(item[ttl]?.N) < now) items.delete(id);
      const all = [...items.values()];
      return { Items: text === undefined ? all : all.filter((item) => conditionOf(text)(item, given)) };
    },
  };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return Object.assign(new DynamoDBClient({ region: "us-east-1", credentials }), {
    async send(command: { readonly input: object }) {
      onCall();
      const operation = operations[command.constructor.name];
      if (!operation) throw new Error(`this table does not know ${command.constructor.name}`);
      return operation(command.input as never);
    },
  });

  function conditionOf(text: string) {
    const known = conditions.get(text) ?? parseCondition(text);
    conditions.set(text, known);
    return known;
  }

  function keyOf(item: Readonly<Record<string, AttributeValue>>): string {
    const id = item[key]?.S;
    if (!id) throw new Error(`ValidationException: the key ${key} is missing or empty`);
    return id;
  }
}
