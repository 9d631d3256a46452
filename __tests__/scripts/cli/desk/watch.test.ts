import { describe, expect, it } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { closeDesks, openDesk } from "./world.ts";

closeDesks();

describe("fleet status --watch without a terminal", () => {
  it("prints one line each time", async () => {
    const { run } = await openDesk();
    const { stdout, code } = await run("status", "--watch", "--times", "2", "--every", "60");
    expect(code).toBe(0);
    expect(stdout).toBe(
      "2026-01-01T00:00:00.000Z | 0 jobs wait; 1 run; 1 idle, 1 busy; wanted 1; decided 5 s ago | 0 alarms on\n" +
        "2026-01-01T00:01:00.000Z | 0 jobs wait; 1 run; 1 idle, 1 busy; wanted 1; decided 65 s ago | 0 alarms on\n",
    );
  });

  it("says in that line that the loop does not decide, and what could not be read", async () => {
    const { world, run } = await openDesk();
    world.denied.add("cloudwatch:DescribeAlarms");
    const { stdout } = await run("status", "--watch", "--times", "2", "--every", "150");
    expect(stdout.trim().split("\n")[1]).toMatch(
      /\| THE LOOP DOES NOT DECIDE \|.*\| alarms unknown \| 1 part could not be read$/,
    );
  });

  it("prints one JSON object a line with --json", async () => {
    const { run } = await openDesk();
    const { stdout } = await run("status", "--watch", "--times", "2", "--json");
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).stack),
    ).toEqual([fleetName, fleetName]);
  });
});
