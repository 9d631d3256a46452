import { type AttributeValue, type DynamoDBClient, GetItemCommand, paginateQuery } from "@aws-sdk/client-dynamodb";
import type { Documents } from "../core/overrides.ts";
import { type TablePart, tableKeys } from "../settings/pool.ts";

/** The table with the settings of a fleet's pools, and with what operators have set for a while. */
export interface SettingsTable {
  /** All rows of one part. */
  readAll(part: TablePart): Promise<Documents>;
  /** The document of one row; `undefined`: there is none. */
  read(part: TablePart, id: string): Promise<string | undefined>;
}

/** See {@link SettingsTable}. Reads are consistent: a pass that begins after a deployment sees all that it wrote. */
export function createSettingsTable({
  table,
  dynamodb,
}: {
  readonly table: string;
  readonly dynamodb: DynamoDBClient;
}): SettingsTable {
  return {
    async readAll(part) {
      const pages = paginateQuery(
        { client: dynamodb },
        {
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: "#part = :part",
          ExpressionAttributeNames: { "#part": tableKeys.part },
          ExpressionAttributeValues: { ":part": { S: part } },
        },
      );
      const rows = new Map<string, string | undefined>();
      for await (const { Items = [] } of pages) {
        for (const item of Items) rows.set(item[tableKeys.id]?.S ?? "", documentOf(item));
      }
      return rows;
    },

    async read(part, id) {
      const key = { [tableKeys.part]: { S: part }, [tableKeys.id]: { S: id } };
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
      return documentOf(Item);
    },
  };
}

function documentOf(item: Record<string, AttributeValue> | undefined): string | undefined {
  return item?.[tableKeys.document]?.S;
}
