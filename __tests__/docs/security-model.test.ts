import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { synthesizeShipped } from "../stacks/linters/shipped.ts";
import { resources } from "../stacks/synth.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
const stacks = [...(await synthesizeShipped(folder))];
rmSync(folder, { recursive: true, force: true });

const page = readFileSync("docs/security-model.md", "utf8");
const rows = [...page.matchAll(/^\| (`<stack>-.*?) \|/gm)].flatMap(([, cell = ""]) =>
  [...cell.matchAll(/`<stack>(-[^`]+)`/g)].map(([, end = ""]) => end),
);

/** What a role's name says, without its stack and region. */
const ends = new Set(
  stacks.flatMap(([stack, json]) =>
    resources(json, "aws_iam_role").map(({ name }) =>
      String(name)
        .replace(stack, "")
        .replace(/-[a-z]{2}-[a-z]+-\d$/, ""),
    ),
  ),
);

/** Whether a role has a row. Rows with a placeholder are for names of the config; the last parts decide. */
const isListed = (end: string) =>
  rows.some((row) => row === end || (row.startsWith("-<service>-") && end.endsWith(row.replace("-<service>", ""))));
/** The names of `consumerRoles` in the shipped configs. */
const ofConsumers = new Set(["-terraform-read", "-terraform-write"]);

describe("the security model", () => {
  it("lists every role that the shipped configs make", () => {
    expect(ends.size).toBeGreaterThan(15);
    expect([...ends].filter((end) => !isListed(end) && !ofConsumers.has(end))).toEqual([]);
  });

  it("lists no role that nothing makes", () => {
    const isMade = (row: string) =>
      row.includes("<") ? [...ends].some((end) => end.endsWith(row.replace(/^-<\w+>/, ""))) : ends.has(row);
    expect(rows.filter((row) => !isMade(row))).toEqual([]);
  });

  it("is right that no role has a managed policy of AWS, but for Image Builder's and those of the config", () => {
    const attached = stacks.flatMap(([, json]) => resources(json, "aws_iam_role_policy_attachment"));
    const configs = stacks.map(([stack]) => readFileSync(`config/${stack}.yaml`, "utf8")).join("\n");
    const unasked = attached
      .map(({ policy_arn: arn }) => String(arn))
      .filter((arn) => !configs.includes(arn) && !/ImageBuilder/.test(arn));
    expect(unasked).toEqual([]);
  });
});
