import { describe, expect, it } from "vitest";
import { configWith, errorsWith } from "./files.ts";

describe("compute", () => {
  it.each([
    [256, 512],
    [256, 2048],
    [512, 4096],
    [1024, 8192],
    [2048, 4096],
    [4096, 30720],
    [8192, 61440],
    [16384, 122880],
  ])("takes Fargate's cpu %i with %i MiB", (cpu, memoryMiB) => {
    expect(configWith(`compute: { cpu: ${cpu}, memoryMiB: ${memoryMiB} }`).compute).toMatchObject({ cpu, memoryMiB });
  });

  it.each([
    ["cpu: 256, memoryMiB: 4096", "must be one of 512, 1024, 2048 with a cpu of 256, found 4096"],
    [
      "cpu: 1024, memoryMiB: 1024",
      "must be one of 2048, 3072, 4096, 5120, 6144, 7168, 8192 with a cpu of 1024, found 1024",
    ],
    [
      "cpu: 2048, memoryMiB: 4097",
      "must be one of 4096, 5120, 6144, … 16384 (in steps of 1024) with a cpu of 2048, found 4097",
    ],
    [
      "cpu: 16384",
      "must be one of 32768, 40960, 49152, … 122880 (in steps of 8192) with a cpu of 16384, but is missing",
    ],
  ])("tells what goes with the cpu in %s", (text, error) => {
    expect(errorsWith(`compute: { ${text} }`)).toContain(`compute.memoryMiB: ${error}`);
  });

  it("has no ECS Exec in containers that nothing may write to", () => {
    expect(errorsWith("compute: { readonlyRootFilesystem: true, enableExecuteCommand: true }")).toEqual([
      "compute.enableExecuteCommand: must be left out with readonlyRootFilesystem: ECS Exec writes into the container, found true",
    ]);
  });

  it.each([
    "hashicorp/tfc-agent:1.30.2",
    "localhost:5000/tfc-agent:1",
    "111122223333.dkr.ecr.us-west-2.amazonaws.com/ci/tfc-agent:1.30.2-acme",
    `hashicorp/tfc-agent@sha256:${"0".repeat(64)}`,
  ])("takes the image %s", (image) => {
    expect(configWith(`compute: { image: "${image}" }`).compute.image).toBe(image);
  });

  it("has no credentials for ECR, for which IAM gives the rights", () => {
    const credentials = 'repositoryCredentialsArn: "arn:aws:secretsmanager:us-west-2:111122223333:secret:hub-AbCdEf"';
    const ecr = "111122223333.dkr-ecr.us-west-2.on.aws/agent:1";
    const error = /repositoryCredentialsArn: must be left out with an image in ECR/;
    expect(errorsWith(`compute: { image: "${ecr}", ${credentials} }`)).toEqual([expect.stringMatching(error)]);
    expect(errorsWith(`compute: { sidecars: [{ name: db, image: "${ecr}", ${credentials} }] }`)).toEqual([
      expect.stringMatching(error),
    ]);
    expect(errorsWith(`compute: { image: { build: {} }, ${credentials} }`)).toContainEqual(
      expect.stringMatching(/repositoryCredentialsArn: must be left out with image\.build/),
    );
    expect(configWith(`compute: { ${credentials} }`).compute.repositoryCredentialsArn).toContain(":hub-");
  });

  it.each([
    "hashicorp/tfc-agent",
    "hashicorp/tfc-agent:latest",
    "localhost:5000/tfc-agent",
  ])("refuses the image %s, which is not pinned, and says why", (image) => {
    expect(errorsWith(`compute: { image: "${image}" }`)).toEqual([
      expect.stringMatching(/^compute\.image: must be pinned to a version, .*every launch could run another version/),
    ]);
  });

  it.each([
    ["TFC_AGENT_TOKEN", "must not be set here: use secrets.agentToken"],
    ["TFC_AGENT_SINGLE", "must not be set here: use agents.singleUse"],
    ["TFC_AGENT_NAME", "must not be set here: use nothing, the fleet names its agents"],
    ["TFC_ADDRESS", "must not be set here: use vendor.address"],
    ["AGENT_FLEETS_X", "must not start with AGENT_FLEETS_: those variables belong to the agent's entry point"],
    ["A-B", "must be the name of an environment variable"],
  ])("refuses the environment variable %s", (name, error) => {
    expect(errorsWith(`compute: { environment: { ${name}: x } }`)).toEqual([
      expect.stringMatching(new RegExp(`^compute\\.environment\\.${name}: ${error}`)),
    ]);
  });
});
