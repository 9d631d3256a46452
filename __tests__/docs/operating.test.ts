import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { actionsIn } from "../../scripts/generate/deploy-rights.ts";
import { operatorActions } from "../../scripts/generate/operator-actions.ts";
import { fleetName } from "../fakes/desk-fleets.ts";
import { closeDesks, openDesk } from "../scripts/cli/desk/world.ts";

const page = readFileSync("docs/operating.md", "utf8");
const folder = "scripts/cli/desk/doctor";
const code = readdirSync(folder)
  .map((file) => readFileSync(join(folder, file), "utf8"))
  .join("\n");

closeDesks();

it("the page lists each diagnosis of the doctor, and no other", () => {
  const ids = new Set([...code.matchAll(/\bid: "([a-z-]+)"/g)].map(([, id]) => id));
  expect(ids.size).toBeGreaterThan(30);
  const rows = page.split("\n").filter((line) => line.startsWith("| `") && !line.startsWith("| `!!`"));
  const listed = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, id]) => id));
  expect([...listed].sort()).toEqual([...ids].sort());
});

it("each section that a finding names is in the runbook", () => {
  const runbook = readFileSync("docs/runbook.md", "utf8");
  const sections = new Set([...code.matchAll(/section(?::| =) "([a-z-]+)"/g)].map(([, section]) => section));
  expect(sections.size).toBeGreaterThan(10);
  for (const section of sections) expect(runbook, section).toContain(`\n## ${section}\n`);
});

it("the rights of the page's commands are all that they ask AWS, and nothing else", async () => {
  const listed = ["status", "doctor", "logs"].flatMap((command) => actionsIn(operatorActions[command]?.looks ?? ""));
  const asked = new Set<string>();
  for (const kind of ["tasks", "instances"] as const) {
    const { world, run } = await openDesk(kind);
    const agent = kind === "tasks" ? `${fleetName}_a` : "i-00000001";
    world.decide({ states: { unseen: [agent] } });
    const execution = { startedAt: world.secondsAgo(9), input: {}, events: [] };
    world.executions = [{ name: "i-1.outdated.1", status: "RUNNING", ...execution }];
    await run("doctor");
    await run("logs", "--agent", agent);
    for (const { action } of world.calls) asked.add(action);
  }
  const elsewhere = ["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds", "ssm:GetParameter"];
  expect([...new Set(listed)].sort()).toEqual([...asked, ...elsewhere].sort());
});
