import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { generated as generate } from "../../../scripts/generate/generated.ts";
import { stackConfig } from "../../../stacks/config/schema.ts";

const generated = generate();

describe("what is generated from the schema", () => {
  it.each(Object.keys(generated))("is up to date: %s", (path) => {
    const written = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
    expect(written === generated[path], `${path} is stale: run \`npm run schema\``).toBe(true);
  });

  it("is the same twice", () => {
    expect(generate()).toEqual(generated);
  });

  it("describes every key", () => {
    const missing = undescribed(z.toJSONSchema(stackConfig, { io: "input" }), "");
    expect(missing, "give these keys a .describe(…) in stacks/config, then run `npm run schema`").toEqual([]);
  });

  it("has patterns that the regular expressions of other languages know", () => {
    const patterns = [...(generated["config/schema.json"] ?? "").matchAll(/"pattern": (".*")/g)];
    expect(patterns.length).toBeGreaterThan(50);
    for (const [, quoted] of patterns) {
      const pattern = JSON.parse(quoted ?? "");
      expect(() => new RegExp(pattern, "u")).not.toThrow();
      expect(pattern, "RE2 has no lookaround and no backreferences, Python no classes by property").not.toMatch(
        /\(\?[=!<]|\\[pP1-9]/,
      );
    }
  });

  it("gives editors an example of each key, as it stands in a config", () => {
    const { allOf } = JSON.parse(generated["config/schema.json"] ?? "");
    const { properties } = allOf[0].then;
    expect(properties.region.examples).toEqual(["us-west-2"]);
    expect(properties.tags.examples).toEqual([{ Environment: "prod", CostCenter: "0042" }]);
  });

  it("lists every key with its unit, default and example in the reference", () => {
    const reference = generated["docs/config-reference.md"];
    expect(reference).toContain("| `agents.max` | whole number, 0 to 10000 | `10` | The ceiling: ");
    expect(reference).toContain("| AWS region of everything in the stack.<br>Example: `us-west-2` |");
    expect(reference).toContain(
      "| `backend.bucket` | text | **required** | `type: s3`: The bucket's name.<br>Example: ",
    );
    expect(reference).toContain("| `agents.idleTimeoutSeconds` | whole number (seconds), ");
    expect(reference).toContain('<br>Example: `{NPM_TOKEN: "arn:aws:secretsmanager:');
    expect(reference).toContain("| Form 2: vCPUs of an instance.<br>");
    expect(reference).toContain("| Form 2: vCPUs of a host.<br>");
    expect(reference).toContain("| `consumerRoles[].name` | text | **required** |");
  });
});

/** Paths of the properties without a description. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([name, value]) => {
    if (name !== "properties") return undescribed(value, path);
    return Object.entries<object>(value).flatMap(([key, property]) => [
      ...("description" in property ? [] : [`${path}.${key}`]),
      ...undescribed(property, `${path}.${key}`),
    ]);
  });
}
