import { describe, expect, it } from "vitest";
import { type StartedJob, waitsAfter } from "../../../../handlers/lib/core/waits.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const job = (second: number, waitedSeconds: number): StartedJob => ({ at: at(second), waitedSeconds });

describe("waits", () => {
  it("are of the jobs that an agent took since the last look, each once", () => {
    const first = waitsAfter(at(10), [job(5, 1), job(12, 30), job(14, 7)], at(20));
    expect(first).toEqual({ seconds: [30, 7], until: at(14) });
    const second = waitsAfter(first.until, [job(12, 30), job(14, 7), job(22, 3)], at(30));
    expect(second).toEqual({ seconds: [3], until: at(22) });
    expect(waitsAfter(second.until, [], at(40))).toEqual({ seconds: [], until: at(22) });
  });

  it("are of no job where nothing is known of the last look, so that none counts twice", () => {
    expect(waitsAfter(undefined, [job(5, 1)], at(20))).toEqual({ seconds: [], until: at(20) });
    expect(waitsAfter(undefined, [job(25, 1)], at(20))).toEqual({ seconds: [], until: at(25) });
  });

  it("are not silenced by a job that begins in the far future", () => {
    expect(waitsAfter(at(0), [job(500, 1), job(7, 2)], at(20))).toEqual({ seconds: [2], until: at(7) });
  });

  it("are never negative where a vendor's times are out of order", () => {
    expect(waitsAfter(at(0), [job(5, -2)], at(20)).seconds).toEqual([0]);
  });
});
