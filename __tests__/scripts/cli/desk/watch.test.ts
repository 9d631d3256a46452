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

  it.each([[[]], [["--json"]]])("goes on after a moment without an answer, with %j", async (flags) => {
    const { world, run } = await openDesk();
    let reads = 0;
    const page = { status: 407, headers: { "content-type": "text/html" }, text: "<html>Log in</html>" };
    world.http.onRequest = ({ path }) => {
      if (!path.endsWith("/configuration")) return;
      reads += 1;
      if (reads === 2) world.http.fail({ answer: page });
      if (reads === 3) world.http.clearFaults();
    };
    const { code, stdout, stderr } = await run("status", "--watch", "--times", "3", ...flags);
    expect({ code, lines: stdout.trim().split("\n").length }).toEqual({ code: 0, lines: 2 });
    expect(stderr).toBe("NOT READ AT 2026-01-01T00:00:05.000Z: The answer that came is none of AWS's\n");
  });

  it("ends with an error where the first or the last look gets no answer", async () => {
    for (const failing of [1, 2]) {
      const { world, run } = await openDesk();
      let reads = 0;
      world.http.onRequest = ({ path }) => {
        if (!path.endsWith("/configuration")) return;
        reads += 1;
        if (reads === failing) world.http.fail({ answer: { status: 407, text: "<html>" } });
      };
      const { code, stderr } = await run("status", "--watch", "--times", "2");
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("none of AWS's") });
    }
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
