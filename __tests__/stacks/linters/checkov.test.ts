import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { commandPath } from "../../agents/ec2/host.ts";
import type { Synthesized } from "../synth.ts";
import { synthesizeShipped } from "./shipped.ts";

const checkov = commandPath("checkov");
if (!checkov) {
  process.stderr.write("SKIPPED: checkov is not on PATH (pip install checkov), so it checks no stack\n");
}

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const results = z.array(
  z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() }),
);
const report = z.object({
  results: z.object({ passed_checks: results, failed_checks: results, parsing_errors: z.array(z.string()) }),
});

const comment = z.object({ accepted_findings: z.record(z.string(), z.string().min(20)).optional() });

/** What checkov finds in the stacks below a folder, asking nobody. */
function check(stacks: string) {
  const args = ["--directory", stacks, "--framework", "terraform_json", "--skip-download", "--compact", "-o", "json"];
  const { stdout, stderr } = spawnSync(checkov ?? "", args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  const parsed = report.safeParse(parse(stdout));
  if (!parsed.success) throw new Error(`checkov wrote no report: ${stdout.slice(0, 500)}${stderr.slice(-2000)}`);
  return parsed.data.results;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Finding {
  readonly stack: string;
  readonly resource: string | undefined;
  readonly check: string;
}
type Accepted = ReturnType<typeof acceptedIn>[number];

/** What a stack accepts beside its resources. */
function acceptedIn({ resource, data }: Synthesized) {
  return [resource, data].flatMap(Object.entries<Synthesized["resource"][string]>).flatMap(([type, named]) =>
    Object.entries(named).flatMap(([id, attributes]) => {
      const { accepted_findings: reasons = {} } = comment.parse(attributes["//"]);
      return Object.keys(reasons).map((check) => ({ type, resource: id, check }));
    }),
  );
}

const stackOf = (path: string) => path.split("/").at(-2) ?? path;

describe.skipIf(!checkov)("checkov", () => {
  it("says so if it cannot read a stack", () => {
    const unreadable = join(folder, "unreadable");
    mkdirSync(unreadable);
    writeFileSync(join(unreadable, "cdk.tf.json"), JSON.stringify({ terraform: { required_version: ">= 1.11.0" } }));
    expect(check(unreadable).parsing_errors).toHaveLength(1);
  });

  it("reads every shipped stack, and each of its findings is accepted beside the resource, with a reason", async () => {
    const stacks = await synthesizeShipped(join(folder, "shipped"));
    const { passed_checks, failed_checks, parsing_errors } = check(join(folder, "shipped/stacks"));
    expect(parsing_errors).toEqual([]);
    expect([...new Set(passed_checks.map(({ file_path }) => stackOf(file_path)))].sort()).toEqual(
      [...stacks.keys()].sort(),
    );

    const failed = failed_checks.map(({ file_path, resource, check_id, check_name }) => ({
      stack: stackOf(file_path),
      // The ids of constructs are unique in a stack, and checkov often leaves out their type.
      resource: resource.split(".").at(-1),
      check: check_id,
      check_name,
    }));
    const accepted = [...stacks].flatMap(([stack, json]) => acceptedIn(json).map((one) => ({ stack, ...one })));
    const isSame = (one: Finding, other: Finding) =>
      one.stack === other.stack && one.resource === other.resource && one.check === other.check;
    const open = failed.filter((one) => !accepted.some((other) => isSame(one, other)));
    expect(open, "mend these, or accept them by acceptFindings beside the resource").toEqual([]);

    const kindOf = ({ type, check }: Accepted) => `${check} at ${type}`;
    const needed = accepted.filter((one) => failed.some((other) => isSame(one, other))).map(kindOf);
    const never = new Set(accepted.map(kindOf).filter((kind) => !needed.includes(kind)));
    expect([...never], "checkov finds these nowhere any more: accept them no longer").toEqual([]);
  });
});
