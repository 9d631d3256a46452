import { randomUUID } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Call, Clock, Lease, Notebook } from "../core/ports.ts";

/** A holder renews the lease with every tick. A dead holder blocks others for at most this time. */
const leaseMilliseconds = 90_000;
/** Documents that were not written for this long belong to deleted pools or fleets. */
const documentSeconds = 30 * 24 * 3600;
/**
 * Longer documents are zipped: an item holds 400 KB, and thousands of agents need more.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
const longestPlain = 100_000;

const isMine = "#owner = :owner";

/** Whether a call counts, see {@link Lease}. */
function countsIf({ by }: Call): string {
  if (by === "webhook") return "";
  return by === "message" ? "#nextLookAt = :due" : "attribute_not_exists(#nextLookAt) OR #nextLookAt <= :now";
}

interface StateDeps {
  /** Name of a table with the partition key `key` (S) and the TTL attribute `expiresAt`. */
  readonly table: string;
  readonly dynamodb: DynamoDBClient;
  readonly clock: Clock;
}

/**
 * The lease of a fleet's loop, by conditional writes to one item: only one of two simultaneous passes gets it. A holder
 * with an expired lease keeps it until another pass takes it over, since no other pass acts before that.
 *
 * The item also keeps when the next look is due. Taking the lease removes it, so one message counts once.
 */
export function createLease({ table, dynamodb, clock }: StateDeps, owner: string = randomUUID()): Lease {
  const key = { key: { S: "lease" } };
  const now = () => clock.now().getTime();

  return {
    async acquire(call) {
      const taken = await take(call);
      if (taken || call.by !== "webhook") return taken;
      // The holder may have asked the vendor before the news came. If it has gone meanwhile, the lease is free.
      const said = await update("SET #calledAt = :now, #wokenAt = :now", "attribute_exists(#owner)", valuesOf(call));
      return said ? undefined : take(call);
    },

    async renew() {
      const until = number(now() + leaseMilliseconds);
      return (await update("SET #until = :until", isMine, { ":owner": { S: owner }, ":until": until })) !== undefined;
    },

    async release(nextLookAt) {
      const mine = { ":owner": { S: owner } };
      const [change, values] = nextLookAt
        ? ["SET #nextLookAt = :due REMOVE", { ...mine, ":due": number(nextLookAt.getTime()) }]
        : ["REMOVE #nextLookAt,", mine];
      const isUncalled = "attribute_not_exists(#calledAt)";
      if (await update(`${change} #owner, #until`, `${isMine} AND ${isUncalled}`, values)) return true;
      // Somebody has called, or another pass has taken over.
      return (await update("REMOVE #calledAt", isMine, mine)) === undefined;
    },
  };

  async function take(call: Call): ReturnType<Lease["acquire"]> {
    const counts = countsIf(call);
    const taken = await update(
      `SET #owner = :owner, #until = :until${call.by === "webhook" ? ", #wokenAt = :now" : ""} REMOVE #calledAt, #nextLookAt`,
      `(attribute_not_exists(#owner) OR #until <= :now OR #owner = :owner)${counts && ` AND (${counts})`}`,
      { ...valuesOf(call), ":owner": { S: owner }, ":until": number(now() + leaseMilliseconds) },
    );
    const wokenAt = taken?.wokenAt?.N;
    return taken && { wokenAt: wokenAt === undefined ? undefined : new Date(Number(wokenAt)) };
  }

  function valuesOf(call: Call): Record<string, AttributeValue> {
    return { ":now": number(now()), ...(call.by === "message" && { ":due": number(call.dueAt.getTime()) }) };
  }

  /** @returns the item as it is then; `undefined`: the condition does not hold */
  async function update(
    UpdateExpression: string,
    ConditionExpression: string,
    ExpressionAttributeValues: Record<string, AttributeValue>,
  ): Promise<Record<string, AttributeValue> | undefined> {
    const text = `${UpdateExpression} ${ConditionExpression}`;
    const names = [...new Set([...text.matchAll(/#(\w+)/g)].flatMap(([, name]) => name ?? []))];
    try {
      const { Attributes = {} } = await dynamodb.send(
        new UpdateItemCommand({
          TableName: table,
          Key: key,
          UpdateExpression,
          ConditionExpression: ConditionExpression || undefined,
          ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues,
          ReturnValues: "ALL_NEW",
        }),
      );
      return Attributes;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
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

/**
 * The lease as it is now, also one that has run out. `held` is `undefined` while nobody holds it, and `nextLookAt` while no
 * message is on its way.
 */
export async function readLease({ table, dynamodb }: Omit<StateDeps, "clock">): Promise<{
  readonly held?: HeldLease | undefined;
  readonly nextLookAt?: Date | undefined;
}> {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: table, Key: { key: { S: "lease" } }, ConsistentRead: true }),
  );
  const { owner, until, nextLookAt: due } = Item ?? {};
  const nextLookAt = due?.N === undefined ? undefined : new Date(Number(due.N));
  if (owner?.S === undefined || until?.N === undefined) return { nextLookAt };
  const ends = Number(until.N);
  const held = { owner: owner.S, until: new Date(ends), renewedAt: new Date(ends - leaseMilliseconds) };
  return { held, nextLookAt };
}

/**
 * A document in the fleet's table, by its name; a malformed one counts as missing. Reads are consistent, so that the next
 * container sees this one's write.
 */
export function createNotebook(name: string, { table, dynamodb, clock }: StateDeps): Notebook {
  const key = { S: `document ${name}` };
  return {
    async read() {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: table, Key: { key }, ConsistentRead: true }),
      );
      return parse(Item?.document?.S ?? unzipped(Item?.zipped?.B));
    },
    async write(document) {
      const expiresAt = number(Math.floor(clock.now().getTime() / 1000) + documentSeconds);
      const text = JSON.stringify(document);
      const content: Record<string, AttributeValue> =
        text.length > longestPlain ? { zipped: { B: gzipSync(text) } } : { document: { S: text } };
      await dynamodb.send(new PutItemCommand({ TableName: table, Item: { key, ...content, expiresAt } }));
    },
  };
}

function unzipped(bytes: Uint8Array | undefined): string | undefined {
  try {
    return bytes && gunzipSync(bytes).toString();
  } catch {
    return undefined;
  }
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
