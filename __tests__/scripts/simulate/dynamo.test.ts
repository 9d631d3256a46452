import { describe, expect, it } from "vitest";
import { createRunLedger } from "../../../handlers/lib/aws/run-ledger.ts";
import type { SeenRun } from "../../../handlers/lib/core/ports.ts";
import { supersedes } from "../../../handlers/lib/core/run-order.ts";
import { parseCondition } from "../../../scripts/simulate/world/dynamo-conditions.ts";
import { tableClient } from "../../../scripts/simulate/world/dynamo-table.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const given = {
  ExpressionAttributeNames: { "#a": "a", "#b": "b" },
  ExpressionAttributeValues: { ":one": { N: "1" }, ":no": { BOOL: false }, ":text": { S: "x" } },
};

describe("a condition of DynamoDB", () => {
  it.each([
    ["#a = :one", { a: { N: "1" } }, true],
    ["#a = :one", { a: { N: "1.0" } }, true],
    ["#a < :one", { a: { N: "0" } }, true],
    ["#a > :one", { a: { N: "10" } }, true],
    ["#a = :one", {}, false],
    ["#a < :one", undefined, false],
    ["attribute_not_exists(#a)", {}, true],
    ["attribute_not_exists(#a)", { a: { BOOL: false } }, false],
    ["#a = :one OR #a = :text AND #b = :no", { a: { N: "1" }, b: { BOOL: true } }, true],
    ["(#a = :one OR #a = :text) AND #b = :no", { a: { N: "1" }, b: { BOOL: true } }, false],
  ])("%s", (text, item, fits) => {
    expect(parseCondition(text)(item, given)).toBe(fits);
  });

  it.each([
    "",
    "#a",
    "#a = :one AND",
    "#a <> :one",
    "#a = :one)",
    "size(#a) = :one",
    "a = :one",
  ])("is refused where the table does not know it: %j", (text) => {
    expect(() => parseCondition(text)({ a: { N: "1" } }, given)).toThrow(/does not know/);
  });
});

describe("the run ledger over a table in memory", () => {
  const at = (second: number) => new Date(1_700_000_000_000 + second * 1000);
  const run = (changes: Partial<SeenRun> = {}): SeenRun => ({
    runId: "run-1",
    workspaceId: "ws-1",
    status: "pending",
    updatedAt: at(0),
    final: false,
    rank: 1,
    ...changes,
  });
  const ledgerAt = (clock = createFakeClock(at(0))) => {
    const dynamodb = tableClient({ clock, key: "runId", ttl: "expiresAt", onCall: () => undefined });
    return { clock, ledger: createRunLedger({ table: "runs", runTtlSeconds: 100 }, { dynamodb, clock }) };
  };

  it("keeps the newest state, by the order of runs", async () => {
    const states = [0, 1].flatMap((second) =>
      [1, 2].flatMap((rank) => [false, true].map((final) => run({ updatedAt: at(second), rank, final }))),
    );
    for (const known of states) {
      for (const candidate of states) {
        const { ledger } = ledgerAt();
        await ledger.record(known);
        expect(await ledger.record(candidate)).toBe(supersedes(candidate, known));
      }
    }
  });

  it("forgets an open run after its time", async () => {
    const { ledger, clock } = ledgerAt();
    await ledger.record(run());
    await ledger.record(run({ runId: "run-2", final: true }));
    expect(await ledger.listOpen()).toEqual([run()]);
    clock.advance(101_000);
    expect(await ledger.listOpen()).toEqual([]);
  });
});
