import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../../fakes/aws-secrets.ts";
import type { FakePool, FakeWorkspace } from "../../../../fakes/hcp-terraform/state.ts";
import { destroySettings, repairSettings } from "../../../../fakes/hcp-terraform/tfe-workspace-settings.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../../fakes/hcp-terraform.ts";
import { fleet } from "../../harness.ts";

describe("fleet hcp workspaces assign, release, list", () => {
  let hcp: HcpTerraformFake;
  let aws: AwsSecretsFake;
  let cwd: string;
  let pool: FakePool;
  let other: FakePool;
  let prod: FakeWorkspace;

  beforeEach(async () => {
    [hcp, aws, cwd] = await Promise.all([
      startHcpTerraformFake(),
      startAwsSecretsFake(),
      mkdtemp(join(tmpdir(), "fleet-test-")),
    ]);
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    pool = hcp.state.addPool("aws");
    other = hcp.state.addPool("elsewhere");
    prod = hcp.state.addWorkspace("prod");
    const reader = hcp.state.addWorkspace("reader");
    prod.autoApply = true;
    prod.assessmentsEnabled = true;
    prod.remoteStateConsumers.add(reader.id);
    await configure("aws");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all([hcp.close(), aws.close(), rm(cwd, { recursive: true })]);
  });

  const configure = (agentPool: string) =>
    writeFile(
      join(cwd, "ci-agents.yaml"),
      "kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, " +
        `agentPool: ${agentPool}, address: "${hcp.url}" }\n`,
    );
  const workspaces = async (command: string, ...args: string[]) => {
    const env = { TOKEN: hcp.token, AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
    const outcome = await fleet(["hcp", "workspaces", command, "ci-agents", ...args, "--json"], { cwd, env });
    return { ...outcome, results: outcome.code === 0 ? JSON.parse(outcome.stdout).workspaces : undefined };
  };
  const picture = (workspace: FakeWorkspace) => structuredClone(workspace);
  const patches = () => hcp.requests.filter(({ method }) => !["GET", "HEAD"].includes(method));

  it.each(["list", "release"])("%s says so if no workspace is assigned", async (command) => {
    const env = { TOKEN: hcp.token, AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
    const outcome = await fleet(["hcp", "workspaces", command, "ci-agents"], { cwd, env });
    expect(outcome).toMatchObject({ code: 0, stdout: "None.\n" });
  });

  it("change mode and pool alone, and give back what was there", async () => {
    const local = hcp.state.addWorkspace("local");
    Object.assign(local, { executionMode: "local", inherited: false });
    const elsewhere = hcp.state.addWorkspace("elsewhere", other);
    const all = [prod, local, elsewhere];
    const before = all.map(picture);

    const assigned = await workspaces("assign", "prod", "local", "elsewhere");
    expect(assigned.results.map(({ outcome }: { outcome: string }) => outcome)).toEqual(all.map(() => "assigned"));
    const onPool = { executionMode: "agent", agentPoolId: pool.id, inherited: false };
    expect(all.map(picture)).toEqual(before.map((each) => ({ ...each, ...onPool })));
    expect(aws.requests[0]?.headers.authorization).toContain("/eu-west-1/ssm/");

    expect((await workspaces("list")).results).toEqual([
      {
        workspace: "elsewhere",
        state: "assigned",
        before: { executionMode: "agent", agentPoolId: other.id, inherited: false },
        now: onPool,
      },
      { workspace: "local", state: "assigned", before: { executionMode: "local", inherited: false }, now: onPool },
      { workspace: "prod", state: "assigned", before: { executionMode: "remote", inherited: true }, now: onPool },
    ]);

    expect((await workspaces("release")).results).toHaveLength(3);
    expect(all.map(picture)).toEqual(before);
    expect((await workspaces("list")).results).toEqual([]);
    expect([...aws.parameters.keys()]).toEqual([]);
  });

  it("unlike Terraform's resource, whose repair and destruction reset what others own", async () => {
    await workspaces("assign", "prod");
    Object.assign(prod, { executionMode: "remote", agentPoolId: undefined });
    await repairSettings(hcp, prod, { agentPoolId: pool.id });
    expect(prod).toMatchObject({ executionMode: "agent", agentPoolId: pool.id, autoApply: false });
    expect(prod).toMatchObject({ assessmentsEnabled: false, remoteStateConsumers: new Set() });

    const local = hcp.state.addWorkspace("local");
    Object.assign(local, { executionMode: "local", inherited: false, autoApply: true });
    local.remoteStateConsumers.add(prod.id);
    await destroySettings(hcp, local);
    expect(local).toMatchObject({ executionMode: "remote", autoApply: false, remoteStateConsumers: new Set() });
  });

  it("give back the default of the project, whatever it has become", async () => {
    await workspaces("assign", "prod");
    hcp.state.defaultExecution = { executionMode: "agent", agentPoolId: other.id };
    await workspaces("release", "prod");
    expect(prod).toMatchObject({ executionMode: "agent", agentPoolId: other.id, inherited: true });
  });

  it("give back the mode of a server that knows no defaults", async () => {
    hcp.state.knowsDefaults = false;
    await workspaces("assign", "prod");
    await workspaces("release", "prod");
    expect(prod).toMatchObject({ executionMode: "remote", agentPoolId: undefined });
    expect(patches().at(-1)?.body.toString()).not.toContain("setting-overwrites");
  });

  it("change nothing the second time, and keep the first settings", async () => {
    await workspaces("assign", "prod");
    const again = await workspaces("assign", "prod");
    expect(again.results).toEqual([{ workspace: "prod", outcome: "already assigned" }]);
    expect(patches()).toHaveLength(1);
    await workspaces("release");
    expect(prod).toMatchObject({ executionMode: "remote", inherited: true });
  });

  it("an interrupted assignment goes on, and loses nothing", async () => {
    hcp.fail({ method: "PATCH", times: 1, answer: { status: 403 } });
    expect((await workspaces("assign", "prod")).code).toBe(1);
    expect(prod.executionMode).toBe("remote");
    expect((await workspaces("list")).results).toMatchObject([{ workspace: "prod", state: "given back" }]);
    expect((await workspaces("assign", "prod")).code).toBe(0);
    await workspaces("release");
    expect(prod).toMatchObject({ executionMode: "remote", inherited: true });
  });

  it("a workspace that ran on the pool before has nothing to give back", async () => {
    const early = hcp.state.addWorkspace("early", pool);
    expect((await workspaces("assign", "early")).results).toEqual([{ workspace: "early", outcome: "unrecorded" }]);
    const released = await workspaces("release", "early");
    expect(released.code).toBe(1);
    expect(released.stderr).toContain('Stack ci-agents has not assigned \\"early\\"');
    expect(early).toMatchObject({ executionMode: "agent", agentPoolId: pool.id });
    expect(patches()).toEqual([]);
  });

  it("a workspace that someone changed since is released by force alone, and none beside it", async () => {
    const stage = hcp.state.addWorkspace("stage");
    await workspaces("assign", "prod", "stage");
    Object.assign(prod, { agentPoolId: other.id });
    const refused = await workspaces("release");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Someone changed the execution mode or pool since the assignment: prod.");
    expect([prod, stage]).toMatchObject([{ agentPoolId: other.id }, { agentPoolId: pool.id }]);
    expect((await workspaces("list")).results).toMatchObject([{ state: "changed" }, { state: "assigned" }]);

    expect((await workspaces("release", "stage")).results).toEqual([{ workspace: "stage", was: "assigned" }]);
    expect((await workspaces("release", "--force")).results).toEqual([{ workspace: "prod", was: "changed" }]);
    expect([prod, stage]).toMatchObject([{ inherited: true }, { inherited: true }]);
  });

  it("settings that someone made in between are those that are given back after another assignment", async () => {
    await workspaces("assign", "prod");
    Object.assign(prod, { executionMode: "local", agentPoolId: undefined, inherited: false });
    await workspaces("assign", "prod");
    await workspaces("release");
    expect(prod).toMatchObject({ executionMode: "local", inherited: false });
  });

  it("release knows the pool that the stack had, and forgets what was given back or is gone", async () => {
    const gone = hcp.state.addWorkspace("gone");
    const back = hcp.state.addWorkspace("back");
    await workspaces("assign", "prod", "gone", "back");
    await configure("another-pool");
    hcp.state.workspaces.delete(gone.id);
    Object.assign(back, { executionMode: "remote", agentPoolId: undefined, inherited: true });
    const sent = patches().length;
    expect((await workspaces("release")).results).toEqual([
      { workspace: "back", was: "given back" },
      { workspace: "gone", was: "gone" },
      { workspace: "prod", was: "assigned" },
    ]);
    expect(patches()).toHaveLength(sent + 1);
    expect([...aws.parameters.keys()]).toEqual([]);
  });

  it("what cannot be given back stays remembered", async () => {
    const elsewhere = hcp.state.addWorkspace("elsewhere", other);
    await workspaces("assign", "elsewhere");
    hcp.state.pools.delete(other.id);
    const failed = await workspaces("release");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("Agent pool must exist");
    expect(elsewhere.agentPoolId).toBe(pool.id);
    expect((await workspaces("list")).results).toHaveLength(1);
  });

  it("a parameter that someone spoiled stops everything", async () => {
    await workspaces("assign", "prod");
    const [name = ""] = aws.parameters.keys();
    aws.parameters.set(name, { value: '{"workspaceId":"ws-1"}', keyId: "" });
    for (const command of ["list", "release"]) {
      const refused = await workspaces(command);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`The parameter ${name} does not hold what a workspace had before`);
    }
    expect(patches()).toHaveLength(1);
  });

  it("more workspaces than AWS lists at once", async () => {
    const names = Array.from({ length: 23 }, (_, index) => `many-${index}`);
    for (const name of names) hcp.state.addWorkspace(name);
    await workspaces("assign", ...names);
    expect((await workspaces("release")).results).toHaveLength(23);
    const modes = [...hcp.state.workspaces.values()].map(({ executionMode }) => executionMode);
    expect(new Set(modes)).toEqual(new Set(["remote"]));
  });

  it("a missing workspace or pool, and a stack without HCP Terraform, are errors that change nothing", async () => {
    expect((await workspaces("assign", "prod", "nobody")).stderr).toContain('no workspace named \\"nobody\\"');
    await configure("nowhere");
    expect((await workspaces("assign", "prod")).stderr).toContain("no agent pool named");
    await writeFile(join(cwd, "ci-agents.yaml"), "kind: network\nregion: eu-west-1\ncidr: 10.60.0.0/16\n");
    for (const command of ["list", "release"]) {
      expect((await workspaces(command)).stderr).toContain("is no fleet for HCP Terraform");
    }
    expect(patches()).toEqual([]);
    expect([...aws.parameters.keys()]).toEqual([]);
  });
});
