import { describe, expect, it } from "vitest";
import { isTimeZone, lowestFloor, policyAt, wrongCron } from "../../../../handlers/lib/core/schedule.ts";
import { policyOf } from "../../../fixtures/policy.ts";

const berlin = "Europe/Berlin";

/** The floor of the days' schedule, and of these others, at a time in UTC. */
function floorAt(time: string, ...schedule: readonly { cron: string; timeZone: string; min: number }[]): number {
  return policyAt(policyOf({ min: 1, schedule: [...schedule] }), new Date(time)).min;
}

const week = [
  { cron: "0 8 * * MON-FRI", timeZone: berlin, min: 5 },
  { cron: "30 18 * * MON-FRI", timeZone: berlin, min: 0 },
];

describe("a schedule", () => {
  it("changes nothing where there is none", () => {
    const policy = policyOf({ min: 3 });
    expect(policyAt(policy, new Date("2026-06-01T12:00:00Z"))).toBe(policy);
  });

  it.each([
    ["before the day begins", "2026-01-07T06:59:59.900Z", 0],
    ["at its first second", "2026-01-07T07:00:00.000Z", 5],
    ["in the day", "2026-01-07T12:00:00Z", 5],
    ["at its end", "2026-01-07T17:30:00Z", 0],
    ["on a Sunday", "2026-01-11T12:00:00Z", 0],
    ["in summer, an hour earlier in UTC", "2026-07-07T06:00:00Z", 5],
    ["in summer, before the day", "2026-07-07T05:59:00Z", 0],
  ])("holds from each entry to the next, by the clock of its zone: %s", (_, time, floor) => {
    expect(floorAt(time, ...week)).toBe(floor);
  });

  it("takes each entry's own zone", () => {
    const entries = [
      { cron: "0 9 * * *", timeZone: "Asia/Tokyo", min: 4 },
      { cron: "0 9 * * *", timeZone: "America/New_York", min: 7 },
    ];
    expect(floorAt("2026-01-07T00:30:00Z", ...entries)).toBe(4);
    expect(floorAt("2026-01-07T14:30:00Z", ...entries)).toBe(7);
  });

  it("begins after an hour that the clocks leave out, at its end", () => {
    const entries = [
      { cron: "30 2 * * *", timeZone: berlin, min: 6 },
      { cron: "0 5 * * *", timeZone: berlin, min: 2 },
    ];
    // On 29 March 2026 the clocks go from 02:00 to 03:00, at 01:00 UTC.
    expect(floorAt("2026-03-29T00:59:00Z", ...entries)).toBe(2);
    expect(floorAt("2026-03-29T01:00:00Z", ...entries)).toBe(6);
    expect(floorAt("2026-03-29T03:00:00Z", ...entries)).toBe(2);
  });

  it("begins once in an hour that the clocks bring twice, in the first", () => {
    const entries = [
      { cron: "30 2 * * *", timeZone: berlin, min: 6 },
      { cron: "45 2 * * *", timeZone: berlin, min: 2 },
    ];
    // On 25 October 2026 the hour from 02:00 is at 00:00 UTC and again at 01:00 UTC.
    expect(floorAt("2026-10-25T00:30:00Z", ...entries)).toBe(6);
    expect(floorAt("2026-10-25T00:45:00Z", ...entries)).toBe(2);
    expect(floorAt("2026-10-25T01:30:00Z", ...entries)).toBe(2);
  });

  it("counts the later one of two entries that begin at once", () => {
    const at = { cron: "0 8 * * *", timeZone: "UTC" };
    expect(floorAt("2026-01-07T09:00:00Z", { ...at, min: 2 }, { ...at, min: 3 })).toBe(3);
  });

  it("leaves as it is what an entry leaves out", () => {
    const schedule = [{ cron: "0 8 * * *", timeZone: "UTC", buffer: { percent: 20 } }];
    const policy = policyAt(policyOf({ min: 3, buffer: 1, schedule }), new Date("2026-01-07T09:00:00Z"));
    expect([policy.min, policy.buffer]).toEqual([3, { percent: 20 }]);
  });

  it("has a lowest floor", () => {
    expect(lowestFloor({ min: 3, schedule: week })).toBe(0);
    expect(lowestFloor({ min: 3 })).toBe(3);
  });
});

describe("a cron expression", () => {
  const from = new Date("2026-01-01T00:00:00Z");

  it.each(["0 8 * * MON-FRI", "*/30 9-17 * * 1-5", "0 0 1 JAN *", "15 22 L * *"])("may be %s", (cron) => {
    expect(wrongCron(cron, from)).toBeUndefined();
  });

  it.each([
    ["0 8 * *", "five fields"],
    ["0 0 8 * * *", "five fields"],
    ["@daily", "five fields"],
    ["61 8 * * *", "Invalid value for minute: 61"],
    ["0 8 * * FRY", "illegal characters"],
    ["0 0 30 2 *", "must be a time that comes"],
    ["* 8-17 * * *", "must begin at most every 30 minutes"],
    ["*/10 * * * *", "must begin at most every 30 minutes"],
  ])("may not be %s", (cron, error) => {
    expect(wrongCron(cron, from)).toContain(error);
  });

  it("needs a time zone that exists", () => {
    expect(["UTC", berlin, "Europe/Berlln", ""].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});
