import { randomBytes } from "node:crypto";
import { type AttributeValue, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeEach, describe, expect, it } from "vitest";
import { createMemory, keep, recall } from "../../../../handlers/autoscale/memory.ts";
import { createRecentLaunches } from "../../../../handlers/lib/aws/ecs-recent-launches.ts";
import { createNotebook } from "../../../../handlers/lib/aws/fleet-state.ts";
import type { Notebook } from "../../../../handlers/lib/core/ports.ts";
import { createFakeClock } from "../../../fakes/clock.ts";

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const largestItem = 400 * 1024;

let item: Record<string, AttributeValue> | undefined;
let notebook: Notebook;
const clock = createFakeClock();

beforeEach(() => {
  item = undefined;
  const send = async (command: object) => {
    if (command instanceof GetItemCommand) return { Item: item };
    if (!(command instanceof PutItemCommand)) throw new Error("not asked for");
    const { Item = {} } = command.input;
    const size = Object.values(Item).reduce((sum, { S = "", B = "" }) => sum + S.length + B.length, 0);
    if (size > largestItem) throw new Error("Item size has exceeded the maximum allowed size");
    item = Item;
    return {};
  };
  const dynamodb = Object.assign(new DynamoDBClient({ region: "us-east-1" }), { send });
  notebook = createNotebook("of a test", { table: "state", dynamodb, clock });
});

const names = (count: number) =>
  Array.from({ length: count }, () => `terraform-agents.linux-large_${randomBytes(6).toString("hex")}`);

describe("a document of a large fleet fits into one item of the table", () => {
  it("10,000 agents that the vendor's list misses", async () => {
    const missing = new Map(names(10_000).map((name, index) => [name, new Date(1_767_225_600_000 + index)]));
    await keep({ ...createMemory(), missingSince: missing }, notebook);
    const memory = createMemory();
    await recall(memory, notebook);
    expect(memory.missingSince).toEqual(missing);
  });

  it("the launches of two minutes at ECS's pace, and those that are asked for", async () => {
    const asked = names(3400).map((agentName) => ({ agentName, role: "burst" as const }));
    const arn = () => `arn:aws:ecs:us-east-1:123456789012:task/ci-agents/${randomBytes(16).toString("hex")}`;
    const launch = createRecentLaunches(notebook, clock).remembering((onLaunched) => async (requests) => {
      for (const request of requests) onLaunched(request, arn());
      return { launched: requests.length, failures: [] };
    });
    await launch(asked);
    expect(await createRecentLaunches(notebook, clock).members()).toHaveLength(3400);
  });

  it("and a small one stays readable in the console", async () => {
    await notebook.write({ recentlyWanted: [1, 2] });
    expect(item?.document?.S).toBe('{"recentlyWanted":[1,2]}');
    expect(await notebook.read()).toEqual({ recentlyWanted: [1, 2] });
  });

  it("one that cannot be unzipped counts as missing", async () => {
    item = { zipped: { B: Buffer.from("rubbish") } };
    expect(await notebook.read()).toBeUndefined();
  });
});
