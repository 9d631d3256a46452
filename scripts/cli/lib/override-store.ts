import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-dynamodb";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { createSettingsTable } from "../../../handlers/lib/aws/settings-table.ts";
import type { Documents } from "../../../handlers/lib/core/overrides.ts";
import { type TablePart, tableKeys } from "../../../handlers/lib/settings/pool.ts";
import { UserError } from "./errors.ts";
import { type FleetTable, notDeployed } from "./fleet-table.ts";

/** Reads the rows of one part of a fleet's table. Throws {@link UserError} if there is no table. */
export async function readRows(table: FleetTable, part: TablePart): Promise<Documents> {
  const dynamodb = clientIn(table);
  try {
    return await createSettingsTable({ table: table.name, dynamodb }).readAll(part);
  } catch (error) {
    throw error instanceof ResourceNotFoundException ? notDeployed(table) : error;
  }
}

/** A row of an operator as it is to be. */
interface Row {
  readonly id: string;
  /** Its document as it was just read. `undefined`: there was none. */
  readonly seen: string | undefined;
}

/**
 * Writes a row of an operator, unless somebody has changed it since it was read.
 *
 * @param until DynamoDB may delete the row some time after it. Left out: never
 * @throws UserError if somebody has changed it
 */
export function putOverride(
  table: FleetTable,
  { id, seen, document, until }: Row & { readonly document: string; readonly until?: Date | undefined },
): Promise<void> {
  const item = {
    ...keyOf(id),
    [tableKeys.document]: { S: document },
    ...(until && { expiresAt: { N: String(Math.ceil(until.getTime() / 1000)) } }),
  };
  return unlessChanged(table, () =>
    clientIn(table).send(new PutItemCommand({ TableName: table.name, Item: item, ...stillAs(seen) })),
  );
}

/** Deletes a row of an operator, unless somebody has changed it since it was read. Throws as {@link putOverride}. */
export function removeOverride(table: FleetTable, { id, seen }: Row): Promise<void> {
  return unlessChanged(table, () =>
    clientIn(table).send(new DeleteItemCommand({ TableName: table.name, Key: keyOf(id), ...stillAs(seen) })),
  );
}

function stillAs(seen: string | undefined) {
  const names = { ExpressionAttributeNames: { "#document": tableKeys.document } };
  if (seen === undefined) return { ConditionExpression: "attribute_not_exists(#document)", ...names };
  return {
    ConditionExpression: "#document = :seen",
    ExpressionAttributeValues: { ":seen": { S: seen } },
    ...names,
  };
}

async function unlessChanged({ stack }: FleetTable, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    throw new UserError(
      `Somebody else has just changed what holds for ${stack}.`,
      `Nothing was changed. Look at it (fleet limits ${stack}), then try again.`,
    );
  }
}

function keyOf(id: string) {
  return { [tableKeys.part]: { S: "override" satisfies TablePart }, [tableKeys.id]: { S: id } };
}

function clientIn({ region }: FleetTable): DynamoDBClient {
  return new DynamoDBClient({ ...clientOptions, region });
}
