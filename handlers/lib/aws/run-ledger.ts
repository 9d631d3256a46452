import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import type { Clock, RunLedger, SeenRun } from "../core/ports.ts";
import { clientOptions } from "./client-options.ts";

/** The ledger's table, and how long a run counts after its last notification: its end may never be reported. */
export interface RunLedgerConfig {
  /** Name of a table with the partition key `runId` (S) and the TTL attribute `expiresAt`. */
  readonly table: string;
  readonly runTtlSeconds: number;
}

/**
 * How long ended runs are remembered at least, so that a late notification cannot reopen them. Never shorter than
 * `runTtlSeconds`: news that is still young enough to count then always meets the end that it must not undo.
 */
const finalTtlSeconds = 24 * 3600;

const names = { "#runId": "runId", "#status": "status", "#updatedAt": "updatedAt", "#rank": "rank", "#final": "final" };

/** The rule of `supersedes` in core/run-order.ts, as a condition on the table's item. */
const newer =
  "(#updatedAt < :updatedAt OR (#updatedAt = :updatedAt AND " +
  "(#rank < :rank OR (#rank = :rank AND #status < :status))))";
const condition = {
  open: `attribute_not_exists(#runId) OR (#final = :false AND ${newer})`,
  final: `attribute_not_exists(#runId) OR #final = :false OR ${newer}`,
};

/** The run ledger in a Lambda's environment. It exists in notifications mode only. */
export function runLedgerOf(
  env: { readonly LEDGER_TABLE?: string | undefined; readonly RUN_TTL_SECONDS?: number | undefined },
  clock: Clock,
): RunLedger | undefined {
  const { LEDGER_TABLE: table, RUN_TTL_SECONDS: runTtlSeconds } = env;
  if (table === undefined || runTtlSeconds === undefined) return undefined;
  return createRunLedger({ table, runTtlSeconds }, { dynamodb: new DynamoDBClient(clientOptions), clock });
}

/** The run ledger in DynamoDB: one item per run. One conditional write replaces it, so writers cannot race. */
export function createRunLedger(
  { table, runTtlSeconds }: RunLedgerConfig,
  { dynamodb, clock }: { dynamodb: DynamoDBClient; clock: Clock },
): RunLedger {
  const nowSeconds = () => Math.floor(clock.now().getTime() / 1000);

  return {
    async record(seenRun) {
      const isStale = seenRun.updatedAt.getTime() <= clock.now().getTime() - runTtlSeconds * 1000;
      if (isStale && !seenRun.final) return false;
      const ttlSeconds = seenRun.final ? Math.max(finalTtlSeconds, runTtlSeconds) : runTtlSeconds;
      const expiresAt = nowSeconds() + ttlSeconds;
      const item = toItem(seenRun);
      try {
        await dynamodb.send(
          new PutItemCommand({
            TableName: table,
            Item: { ...item, expiresAt: number(expiresAt) },
            ConditionExpression: seenRun.final ? condition.final : condition.open,
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: {
              ":updatedAt": item.updatedAt,
              ":rank": item.rank,
              ":status": item.status,
              ":false": { BOOL: false },
            },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },

    async listOpen() {
      const pages = paginateScan(
        { client: dynamodb },
        {
          TableName: table,
          ConsistentRead: true,
          FilterExpression: "#final = :false AND #expiresAt > :now",
          ExpressionAttributeNames: { "#final": "final", "#expiresAt": "expiresAt" },
          ExpressionAttributeValues: { ":false": { BOOL: false }, ":now": number(nowSeconds()) },
        },
      );
      const seenRuns: SeenRun[] = [];
      for await (const { Items = [] } of pages) seenRuns.push(...Items.map(fromItem));
      return seenRuns;
    },
  };
}

function toItem({ runId, workspaceId, status, updatedAt, final, rank }: SeenRun) {
  return {
    runId: { S: runId },
    workspaceId: { S: workspaceId },
    status: { S: status },
    updatedAt: number(updatedAt.getTime()),
    final: { BOOL: final },
    rank: number(rank),
  };
}

function fromItem(item: Record<string, AttributeValue>): SeenRun {
  return {
    runId: item.runId?.S ?? "",
    workspaceId: item.workspaceId?.S ?? "",
    status: item.status?.S ?? "",
    updatedAt: new Date(Number(item.updatedAt?.N)),
    final: item.final?.BOOL ?? false,
    rank: Number(item.rank?.N),
  };
}

function number(value: number): { N: string } {
  return { N: String(value) };
}
