import { describe, expect, it } from "vitest";
import { imageBuild } from "../../../stacks/config/compute/image-build.ts";
import { check } from "../../../stacks/config/reading/explain.ts";

const sha256 = "0123456789abcdef".repeat(4);

describe("imageBuild", () => {
  const errorsOf = (config: unknown) => {
    const result = check(imageBuild, config);
    return "explanations" in result
      ? result.explanations.map(({ path, message }) => `${path.join(".")} ${message}`)
      : [];
  };

  it("needs nothing", () => {
    expect(imageBuild.parse({})).toEqual({
      schedule: "cron(17 3 ? * SUN *)",
      packages: [],
      timeoutMinutes: 30,
      keep: 10,
      keepReplacedDays: 7,
      forceDelete: true,
    });
  });

  it.each([
    "never",
    "rate(1 day)",
    "rate(12 hours)",
    "cron(0 4 * * ? *)",
    "cron(0/30 8-18 ? * MON-FRI *)",
    "cron(0,30 */2 L 1,JUN-aug ? 2026-2030)",
    "cron(15 12 3W * ? *)",
    "cron(15 12 ? * 3#2 *)",
    "cron(15 12 ? * 6L *)",
  ])("takes the schedule %s", (schedule) => {
    expect(errorsOf({ schedule })).toEqual([]);
  });

  it.each([
    "weekly",
    "rate(1 days)",
    "rate(2 day)",
    "rate(0 days)",
    "cron(0 4 * * *)",
    "cron(0 4 * * ? *) ",
    "0 4 * * *",
    "cron(99 99 99 99 99 99)",
    "cron(60 4 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 4 32 * ? *)",
    "cron(0 4 0 * ? *)",
    "cron(0 4 * 13 ? *)",
    "cron(0 4 * FOO ? *)",
    "cron(0 4 ? * 8 *)",
    "cron(0 4 ? * 3#6 *)",
    "cron(0 4 * * * *)",
    "cron(0 4 ? * ? *)",
    "cron(? 4 ? * MON *)",
    "cron(0/0 4 * * ? *)",
    "cron(0,,1 4 * * ? *)",
    "cron(0 4 * * ? 1969)",
    "cron(0 4 * * ? 2200)",
  ])("refuses the schedule %s", (schedule) => {
    expect(errorsOf({ schedule })).toEqual([
      "schedule must be never, or an EventBridge schedule in UTC such as cron(17 3 ? * SUN *) or rate(7 days)",
    ]);
  });

  it.each([
    [{ agent: { version: "4.1.2" } }, "agent.sha256"],
    [{ agent: { version: "latest", sha256 } }, "agent.version"],
    [{ agent: { version: "4.1.2", sha256: sha256.toUpperCase() } }, "agent.sha256"],
    [{ packages: ["zip; curl evil"] }, "packages.0"],
    [{ packages: ["--allow-unauthenticated"] }, "packages.0"],
    [{ packages: ["zip", "zip"] }, "packages"],
    [{ baseImage: "ubuntu" }, "baseImage"],
    [{ keep: 0 }, "keep"],
    [{ agentVersion: "4.1.2" }, ""],
  ])("refuses %j", (config, path) => {
    const errors = errorsOf(config);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(new RegExp(`^${path}.*`));
  });
});
