import { describe, expect, it } from "vitest";
import { errorsWith, messagesIn } from "./files.ts";

describe("what is not supported", () => {
  it.each([
    [
      "compute: { gpu: 1 }",
      "compute.gpu: is not supported for tasks. On instances, choose compute.instances.types with a GPU",
    ],
    ["compute: { privileged: true }", "compute.privileged: is not supported: no agent in a container is privileged"],
    ["compute: { operatingSystem: windows }", "compute.operatingSystem: is not supported: agents run on Linux"],
    [
      "compute: { runtimePlatform: { cpuArchitecture: ARM64 } }",
      "compute.runtimePlatform: is not a key here: compute.arch",
    ],
  ])("%s is refused by an error that says so", (text, message) => {
    expect(errorsWith(text)).toEqual([expect.stringContaining(message)]);
    expect(errorsWith(text)[0]).toContain("docs/requirements.md");
  });

  it.each([
    ["vendor: { type: semaphore, organization: acme, os: windows }", "agents on windows are not supported yet"],
    ["vendor: { type: semaphore, organization: acme, os: macos }", "agents on macos are not supported yet"],
    [
      "vendor: { type: semaphore, organization: acme }\ncompute: { instances: { types: [mac2.metal] } }",
      "compute.instances: must not have mac2.metal: agents on macOS are not supported",
    ],
  ])("%s on instances, too", (text, message) => {
    const [first = "", ...more] = messagesIn(`kind: ec2-fleet\nregion: us-west-2\n${text}\n`);
    expect(more).toEqual([]);
    expect(first).toContain(message);
    expect(first).toContain("docs/requirements.md");
  });
});
