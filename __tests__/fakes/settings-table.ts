import * as z from "zod";
import { type OverrideKind, overrideForms, overrideId, wholeFleet } from "../../handlers/lib/core/overrides.ts";
import { type PoolSettings, poolSettings, type TablePart } from "../../handlers/lib/settings/pool.ts";
import type { FakeAnswer, FakeRequest } from "./http-fake.ts";

type Item = Record<string, { readonly S?: string; readonly N?: string }>;

/**
 * The part of DynamoDB that the table of a fleet's settings needs: queries of one part, a page of two items at a time,
 * reads of single rows, and writes under the conditions that the CLI sets.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html (LastEvaluatedKey)
 */
export interface SettingsTableFake {
  /** `<part> <id>` → item. */
  readonly items: Map<string, Item>;
  /** Names of tables that exist. */
  readonly tables: Set<string>;
  /** Operations that were asked for. */
  readonly calls: string[];
  putPool(pool: string | undefined, settings: PoolSettings): void;
  putOverride(kind: OverrideKind, pool: string | undefined, document: unknown): void;
  /** A row as somebody may have written it by hand. */
  putText(part: TablePart, id: string, document: string): void;
  /** Answers DynamoDB's requests, and nothing else. */
  answer(request: FakeRequest): FakeAnswer | undefined;
}

const key = z.object({ part: z.object({ S: z.string() }), id: z.object({ S: z.string() }) });
const request = z.object({
  Key: key.optional(),
  Item: z.record(z.string(), z.object({ S: z.string().optional(), N: z.string().optional() })).optional(),
  ConditionExpression: z.string().optional(),
  ExpressionAttributeValues: z.record(z.string(), z.object({ S: z.string() })).optional(),
  ExclusiveStartKey: key.optional(),
  ConsistentRead: z.boolean().optional(),
});
const pageSize = 2;

/** See {@link SettingsTableFake}. Of a fleet named `ci`. */
export function createSettingsTableFake(table = "ci-settings"): SettingsTableFake {
  const items = new Map<string, Item>();
  const calls: string[] = [];
  const fake: SettingsTableFake = {
    items,
    calls,
    tables: new Set([table]),
    putText(part, id, document) {
      items.set(`${part} ${id}`, { part: { S: part }, id: { S: id }, document: { S: document } });
    },
    putPool: (pool, settings) => fake.putText("pool", pool ?? wholeFleet, poolSettings.encode(settings)),
    putOverride: (kind, pool, document) =>
      fake.putText("override", overrideId(kind, pool), JSON.stringify(overrideForms[kind].encode(document as never))),
    answer({ headers, body }) {
      const [, operation] =
        /^DynamoDB_20120810\.(Query|GetItem|PutItem|DeleteItem)$/.exec(String(headers["x-amz-target"])) ?? [];
      if (operation === undefined) return undefined;
      const asked = JSON.parse(body.toString());
      if (!fake.tables.has(asked.TableName)) return undefined;
      calls.push(operation);
      return answers[operation]?.(request.parse(asked));
    },
  };

  const nameOf = (of: z.output<typeof key> | undefined) => `${of?.part.S} ${of?.id.S}`;
  const json = (value: unknown): FakeAnswer => ({ status: 200, json: value });

  const answers: Record<string, (asked: z.output<typeof request>) => FakeAnswer> = {
    Query({ ExpressionAttributeValues: values, ExclusiveStartKey: start, ConsistentRead: consistent }) {
      if (!consistent) return failure("ValidationException", "this fake is read consistently");
      const all = [...items.values()]
        .filter(({ part }) => part?.S === values?.[":part"]?.S)
        .sort((one, other) => String(one.id?.S).localeCompare(String(other.id?.S)));
      const from = start ? all.findIndex(({ id }) => id?.S === start.id.S) + 1 : 0;
      const page = all.slice(from, from + pageSize);
      const last = page.at(-1);
      const more = from + pageSize < all.length && last;
      return json({ Items: page, ...(more && { LastEvaluatedKey: { part: last.part, id: last.id } }) });
    },
    GetItem: ({ Key }) => json({ Item: items.get(nameOf(Key)) }),
    PutItem({ Item = {}, ...asked }) {
      const name = `${Item.part?.S} ${Item.id?.S}`;
      if (!holds(items.get(name), asked)) return failure("ConditionalCheckFailedException", "the condition failed");
      items.set(name, Item as Item);
      return json({});
    },
    DeleteItem({ Key, ...asked }) {
      if (!holds(items.get(nameOf(Key)), asked))
        return failure("ConditionalCheckFailedException", "the condition failed");
      items.delete(nameOf(Key));
      return json({});
    },
  };
  return fake;
}

function holds(
  item: Item | undefined,
  {
    ConditionExpression,
    ExpressionAttributeValues,
  }: Pick<z.output<typeof request>, "ConditionExpression" | "ExpressionAttributeValues">,
): boolean {
  switch (ConditionExpression) {
    case undefined:
      return true;
    case "attribute_not_exists(#document)":
      return item?.document === undefined;
    case "#document = :seen":
      return item?.document?.S === ExpressionAttributeValues?.[":seen"]?.S && item !== undefined;
    default:
      throw new Error(`the fake does not know the condition ${ConditionExpression}`);
  }
}

function failure(type: string, message: string): FakeAnswer {
  return { status: 400, json: { __type: type, message } };
}
