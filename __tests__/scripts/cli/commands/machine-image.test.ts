import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ImageBuilderFake, startImageBuilderFake } from "../../../fakes/image-builder.ts";
import { fleet } from "../harness.ts";

const version = "arn:aws:imagebuilder:eu-west-1:123456789012:image/base/1.2.3/1";

describe("fleet image build, of a machine image", () => {
  let aws: ImageBuilderFake;
  let cwd: string;

  beforeEach(async () => {
    aws = await startImageBuilderFake();
    aws.pipelines.add("base-of-another").add("base");
    aws.states = [
      { status: "PENDING" },
      { status: "BUILDING", log: ["one"] },
      { status: "BUILDING", log: ["two"] },
      { status: "TESTING", log: ["three"] },
      { status: "AVAILABLE" },
    ];
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
    await writeFile(join(cwd, "base.yaml"), "kind: machine-image\nregion: eu-west-1\n");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all([aws.close(), rm(cwd, { recursive: true })]);
  });

  const build = (...args: string[]) =>
    fleet(["image", "build", "base", ...args], { cwd, env: { AGENT_FLEETS_CONFIG: "base.yaml" } });

  it("starts the pipeline of exactly that name, follows its states and its log, and tells the AMI of the region", async () => {
    const { code, stdout, stderr } = await build();
    expect(stderr.split("\n")).toEqual([
      `Building the image of base: ${version}`,
      ...["--- PENDING", "--- BUILDING", "one", "two", "--- TESTING", "three", "--- AVAILABLE", ""],
    ]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "Fleets on base get ami-0123456789abcdef0 when they are deployed.\n",
    });
    expect(aws.started).toEqual(["arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/base"]);
  });

  it("tells the result in JSON", async () => {
    expect(JSON.parse((await build("--json")).stdout)).toEqual({
      build_id: version,
      status: "AVAILABLE",
      image: "ami-0123456789abcdef0",
      log_url: null,
    });
  });

  it("leaves the build to itself with --no-wait", async () => {
    expect(await build("--no-wait")).toMatchObject({ code: 0, stdout: `Build ${version}: PENDING\n` });
  });

  it.each([
    "FAILED",
    "CANCELLED",
  ])("fails when the build ends as %s, with its reason and where its log is", async (status) => {
    aws.states = [
      { status: "BUILDING", log: ["one"] },
      { status, reason: "Step install failed" },
    ];
    const { code, stderr } = await build();
    expect(code).toBe(1);
    expect(stderr).toContain(`The build ended as ${status} (Step install failed).`);
    expect(stderr).toContain("The previous image stays in use. The log is in /aws/imagebuilder/base.");
  });

  it("says what to do where the stack is not deployed", async () => {
    aws.pipelines.delete("base");
    const { code, stderr } = await build();
    expect(code).toBe(1);
    expect(stderr).toContain("This AWS identity sees no image pipeline base in eu-west-1");
    expect(stderr).toContain("Deploy the stack first (cdktf deploy base)");
  });

  it("says what to do where a build is under way", async () => {
    aws.busy = true;
    const { code, stderr } = await build();
    expect(code).toBe(1);
    expect(stderr).toContain("base is building already: The pipeline is running");
  });
});
