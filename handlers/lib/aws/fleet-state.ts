import { randomUUID } from "node:crypto";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Clock, Lease, Notebook } from "../core/ports.ts";

/** A holder renews the lease with every tick. A dead holder blocks others for at most this time. */
const leaseMilliseconds = 90_000;
/** Documents that were not written for this long belong to deleted pools or fleets. */
const documentSeconds = 30 * 24 * 3600;

interface StateDeps {
  /** Name of a table with the partition key `key` (S) and the TTL attribute `expiresAt`. */
  readonly table: string;
  readonly dynamodb: DynamoDBClient;
  readonly clock: Clock;
}

/**
 * The lease of a fleet's loop, by conditional writes to one item: only one of two simultaneous passes gets it. A holder
 * with an expired lease keeps it until another pass takes it over, since no other pass acts before that.
 */
export function createLease({ table, dynamodb, clock }: StateDeps, owner: string = randomUUID()): Lease {
  const key = { key: { S: "lease" } };
  const now = () => clock.now().getTime();

  return {
    async acquire() {
      try {
        await update(
          "SET #owner = :owner, #until = :until REMOVE #calledAt",
          "attribute_not_exists(#owner) OR #until <= :now OR #owner = :owner",
          { ":now": number(now()), ":until": number(now() + leaseMilliseconds) },
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        await leaveWord();
        return false;
      }
    },

    async renew() {
      try {
        const { Attributes = {} } = await update("SET #until = :until", "#owner = :owner", {
          ":until": number(now() + leaseMilliseconds),
        });
        const calledAt = Attributes.calledAt?.N;
        return { calledAt: calledAt === undefined ? undefined : new Date(Number(calledAt)) };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        throw error;
      }
    },

    async release() {
      try {
        await update("REMOVE #owner, #until, #calledAt", "#owner = :owner", {});
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };

  /** The holder continues for a pass that was turned away. If it has just ended, the next schedule event comes soon. */
  async function leaveWord(): Promise<void> {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: "SET #calledAt = :now",
        ExpressionAttributeNames: { "#calledAt": "calledAt" },
        ExpressionAttributeValues: { ":now": number(now()) },
      }),
    );
  }

  function update(UpdateExpression: string, ConditionExpression: string, values: Record<string, AttributeValue>) {
    const text = `${UpdateExpression} ${ConditionExpression}`;
    const names = ["owner", "until", "calledAt"].filter((name) => text.includes(`#${name}`));
    return dynamodb.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression,
        ConditionExpression,
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: { ":owner": { S: owner }, ...values },
        ReturnValues: "ALL_NEW",
      }),
    );
  }
}

/** Who holds a fleet's lease. */
export interface HeldLease {
  readonly owner: string;
  /** When it ends, unless its holder renews it. */
  readonly until: Date;
  /** When its holder took or renewed it last. */
  readonly renewedAt: Date;
}

/** The lease as it is now, also one that has run out. Resolves to `undefined` while nobody holds it. */
export async function readLease({ table, dynamodb }: Omit<StateDeps, "clock">): Promise<HeldLease | undefined> {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: table, Key: { key: { S: "lease" } }, ConsistentRead: true }),
  );
  const { owner, until } = Item ?? {};
  if (owner?.S === undefined || until?.N === undefined) return undefined;
  const ends = Number(until.N);
  return { owner: owner.S, until: new Date(ends), renewedAt: new Date(ends - leaseMilliseconds) };
}

/**
 * A document in the fleet's table, by its name. Reads are consistent, so that the next container sees this one's write.
 */
export function createNotebook(name: string, { table, dynamodb, clock }: StateDeps): Notebook {
  const key = { S: `document ${name}` };
  return {
    async read() {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: table, Key: { key }, ConsistentRead: true }),
      );
      return parse(Item?.document?.S);
    },
    async write(document) {
      const expiresAt = number(Math.floor(clock.now().getTime() / 1000) + documentSeconds);
      await dynamodb.send(
        new PutItemCommand({ TableName: table, Item: { key, document: { S: JSON.stringify(document) }, expiresAt } }),
      );
    },
  };
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function number(value: number): AttributeValue {
  return { N: String(value) };
}
