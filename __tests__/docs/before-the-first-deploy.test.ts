import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { ownPrices } from "../../scripts/prices/table.ts";
import { region } from "../fakes/check-world.ts";
import { closeWorlds, openWorld } from "../scripts/cli/check/world.ts";

const page = readFileSync("docs/before-the-first-deploy.md", "utf8");
const folder = "scripts/cli/check";
const code = [...readdirSync(folder).map((file) => join(folder, file)), "scripts/cli/commands/check.ts"]
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

closeWorlds();

describe("the page about the first deploy", () => {
  it("lists each finding of fleet check, and no other", () => {
    const ids = new Set([...code.matchAll(/\bid: "([a-z-]+)"/g)].map(([, id]) => id).concat("could-not-look"));
    expect(ids.size).toBeGreaterThan(25);
    const [, section = ""] = page.split("## What check looks at");
    const rows =
      section
        .split("\n## ")[0]
        ?.split("\n")
        .filter((line) => line.startsWith("| `")) ?? [];
    const listed = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, id]) => id));
    expect([...listed].sort()).toEqual([...ids].sort());
  });

  it("has a policy that allows all that fleet check asks AWS, and nothing else", async () => {
    const [, json = ""] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
    const policy = z
      .object({ Statement: z.tuple([z.object({ Action: z.array(z.string()) })]) })
      .parse(JSON.parse(json));
    const asked = new Set<string>();
    for (const kind of ["tasks", "instances"] as const) {
      const checked = await openWorld(kind);
      const compute =
        kind === "tasks"
          ? { image: `123456789012.dkr.ecr.${region}.amazonaws.com/agents:1.0.0` }
          : { instances: { types: ["m7i.large"] }, ami: { ssmParameter: "/images/agent" } };
      checked.config.compute = compute;
      checked.world.parameters.set("/images/agent", "ami-00000001");
      await checked.run();
      for (const { action } of checked.world.calls) asked.add(action);
    }
    // Everybody may ask for it, and the fake of secrets keeps no list.
    asked.delete("sts:GetCallerIdentity");
    expect([...policy.Statement[0].Action].sort()).toEqual([...asked, "secretsmanager:GetSecretValue"].sort());
  });

  it("shows a file of prices that is valid, with every key of the table", () => {
    const [, text = ""] = /```yaml\n(# fleet cost[\s\S]*?)```/.exec(page) ?? [];
    const prices = ownPrices.parse(parse(text));
    expect(Object.keys(prices).sort()).toEqual(Object.keys(ownPrices.shape).sort());
    for (const group of ["hourly", "monthly", "usage", "fargate"] as const) {
      const keys = Object.keys(ownPrices.shape[group].unwrap().shape);
      expect(Object.keys(prices[group] ?? {}).sort(), group).toEqual(keys.sort());
    }
  });
});
