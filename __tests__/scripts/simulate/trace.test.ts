import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseBoot } from "../../../scripts/simulate/boot.ts";
import { syntheticTraces } from "../../../scripts/simulate/synthetic.ts";
import { readTrace } from "../../../scripts/simulate/trace.ts";
import { createRandom } from "../../../scripts/simulate/world/random.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-trace-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** Reads a file with this content as a trace. */
async function read(name: string, content: string | Buffer, queue?: string) {
  await writeFile(join(folder, name), content);
  return readTrace({ trace: name, seed: 1, queue }, join(folder, name));
}

const swfLine = (at: number, seconds: number) => `1 ${at} -1 ${seconds} 8 -1 -1 -1 -1 -1 -1 1 1 -1 -1 -1 -1 -1`;

describe("a trace in the Standard Workload Format", () => {
  const text = [
    "; Version: 2.2",
    "",
    swfLine(1000, 60),
    `  ${swfLine(1300, 5)}`,
    swfLine(1200, -1),
    swfLine(1100, 7),
  ].join("\n");

  it("has the jobs that ran, from its first one on, in order", async () => {
    const jobs = [
      { at: 0, seconds: 60 },
      { at: 100, seconds: 7 },
      { at: 300, seconds: 5 },
    ];
    expect(await read("jobs.swf", text)).toEqual({ name: "jobs.swf", jobs });
    expect(await read("jobs.swf.gz", gzipSync(text))).toEqual({ name: "jobs.swf.gz", jobs });
  });

  it.each([
    ["1 2 3", /^jobs\.swf:2: expected 18 numbers, found "1 2 3"$/],
    [swfLine(1, 1).replace("8", "eight"), /^jobs\.swf:2: expected 18 numbers/],
    [swfLine(1, 1).replace("8", "Infinity"), /^jobs\.swf:2: expected 18 numbers/],
    [swfLine(1e12, 1), /^jobs\.swf:2: the job ends more than 10 years after the first one begins, in line 3\. A trace/],
    [swfLine(-5, 1), /^jobs\.swf:2: field 2, the time of submission, is below 0: -5$/],
  ])("is refused with its line where one is wrong: %s", async (line, message) => {
    await expect(read("jobs.swf", `; comment\n${line}\n${swfLine(7, 1)}`)).rejects.toThrow(message);
  });
});

describe("a trace in CSV", () => {
  it("has the jobs of all queues, or of one", async () => {
    const text =
      "submitted_at,duration_seconds,queue,workspace\r\n" +
      "2026-01-05T09:00:00Z,60,linux,networking\r\n2026-01-05T09:01:00.500+00:00,5.5,arm,\r\n";
    const first = { at: 0, seconds: 60, workspace: "networking" };
    expect((await read("jobs.csv", text)).jobs).toEqual([first, { at: 60.5, seconds: 5.5 }]);
    expect((await read("jobs.csv", text, "linux")).jobs).toEqual([first]);
    await expect(read("jobs.csv", text, "mac")).rejects.toThrow("jobs.csv: holds no job of queue mac");
  });

  it("may count seconds, and have its columns in any order", async () => {
    const { jobs } = await read("jobs.csv", "duration_seconds,submitted_at\n9,100\n8,40\n");
    expect(jobs).toEqual([
      { at: 0, seconds: 8 },
      { at: 60, seconds: 9 },
    ]);
  });

  it.each([
    ["submitted_at\n1", "jobs.csv:1: the first line must name the column duration_seconds"],
    ["submitted_at,duration_seconds,color\n1,2,red", "jobs.csv:1: unknown column color"],
    ["submitted_at,duration_seconds\n1,2\n3", "jobs.csv:3: expected 2 values, found 1"],
    [
      "submitted_at,duration_seconds\nyesterday,2",
      'jobs.csv:2: submitted_at must be a time as 2026-01-31T09:00:00Z or seconds, found "yesterday"',
    ],
    ["submitted_at,duration_seconds\n1,", 'jobs.csv:2: duration_seconds must be a number of 0 or more, found ""'],
    ["submitted_at,duration_seconds\n1,-2", 'jobs.csv:2: duration_seconds must be a number of 0 or more, found "-2"'],
    ["submitted_at,duration_seconds\n1,Infinity", 'duration_seconds must be a number of 0 or more, found "Infinity"'],
    ["submitted_at,duration_seconds\n", "jobs.csv: holds no job"],
    ["submitted_at,duration_seconds,queue,queue\n1,2,a,b", "jobs.csv:1: the first line names the column queue twice"],
    ["submitted_at,duration_seconds\nbanana 5,2", 'seconds, found "banana 5"'],
    ["submitted_at,duration_seconds\n2026-02-30T09:00:00Z,2", 'seconds, found "2026-02-30T09:00:00Z"'],
    ["submitted_at,duration_seconds\n1e999,2", 'seconds, found "1e999"'],
    ["submitted_at,duration_seconds\n0x10,2", 'seconds, found "0x10"'],
    [
      "submitted_at,duration_seconds\n2026-01-31T09:00:00Z,2\n100,2",
      'jobs.csv:3: submitted_at is seconds, "100", and a time in the first job: write all in one way',
    ],
    [
      "submitted_at,duration_seconds\n1769850000000,2\n1769850060,2",
      "jobs.csv:2: the job ends more than 10 years after the first one begins, in line 3. A trace covers 10 years at most",
    ],
    ["submitted_at,duration_seconds\n5,1e9", "jobs.csv:2: the job ends more than 10 years after"],
  ])("is refused where it is wrong: %j", async (text, message) => {
    await expect(read("jobs.csv", text)).rejects.toThrow(message);
  });

  it("reads the same times on every machine, whatever their zone, in UTC without one", async () => {
    const times = ["2026-03-29T02:30:00", "2026-03-29 02:30", "2026-03-29T04:30+0200", "2026-03-29T00:30:00.000-02:00"];
    const text = ["submitted_at,duration_seconds", ...times.map((time) => `${time},5`)].join("\r");
    const { jobs } = await read("jobs.csv", text);
    expect(jobs.map(({ at }) => at)).toEqual([0, 0, 0, 0]);
    const dates = await read("jobs.csv", "submitted_at,duration_seconds\n2026-03-29,5\n2026-03-29T01:00Z,5");
    expect(dates.jobs.map(({ at }) => at)).toEqual([0, 3600]);
  });

  it("needs the column of a chosen queue", async () => {
    await expect(read("jobs.csv", "submitted_at,duration_seconds\n1,2", "linux")).rejects.toThrow(
      "jobs.csv:1: --queue needs the column queue",
    );
  });
});

describe("a trace", () => {
  it.each([
    ["jobs.txt", /^jobs\.txt: a trace is a file \.swf or \.csv/],
    ["gone.csv", /^gone\.csv: there is no such file$/],
    ["synthetic:weekly", /^there is no synthetic:weekly\. Synthetic traces: synthetic:weekday, synthetic:bursts/],
  ])("that is none is refused: %s", (trace, message) => {
    expect(() => readTrace({ trace, seed: 1 }, join(folder, trace))).toThrow(message);
  });

  it.each(syntheticTraces)("%s is in order, and the same with the same seed", (trace) => {
    const { jobs } = readTrace({ trace, seed: 1 });
    expect(jobs.length).toBeGreaterThan(100);
    expect(jobs).toEqual(jobs.toSorted((one, other) => one.at - other.at));
    expect(jobs.every(({ at, seconds }) => at >= 0 && seconds > 0)).toBe(true);
    expect(readTrace({ trace, seed: 1 }).jobs).toEqual(jobs);
    expect(readTrace({ trace, seed: 2 }).jobs).not.toEqual(jobs);
  });

  it("synthetic:poisson has ten jobs at once on average, and synthetic:bursts 25 that come together", () => {
    const poisson = readTrace({ trace: "synthetic:poisson", seed: 1 }).jobs;
    const work = poisson.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(work / (7 * 86_400)).toBeCloseTo(10, 0);
    const bursts = readTrace({ trace: "synthetic:bursts", seed: 1 }).jobs;
    expect(bursts.filter(({ at }) => at === bursts[0]?.at)).toHaveLength(25);
    expect(bursts).toHaveLength(10 * 8 * 4 * 25);
  });
});

describe("a file that holds no trace", () => {
  it.each([
    ["rubbish.csv.gz", "submitted_at,duration_seconds\n0,5", /^rubbish\.csv\.gz: cannot be unzipped, or is cut short/],
    [
      "cut.csv.gz",
      gzipSync("submitted_at,duration_seconds\n0,5").subarray(0, 25),
      /cannot be unzipped, or is cut short/,
    ],
    ["bomb.swf.gz", gzipSync(Buffer.alloc(257 * 2 ** 20)), /^bomb\.swf\.gz: holds more than 256 MiB of text$/],
  ])("is refused: %s", async (name, content, message) => {
    await expect(read(name, content)).rejects.toThrow(message);
  });

  it("is refused, be it a folder or a pipe that nobody writes to", async () => {
    const at = (name: string) => join(folder, name);
    await mkdir(at("folder.csv"));
    execFileSync("mkfifo", [at("pipe.csv")]);
    const readAt = (trace: string) => readTrace({ trace, seed: 1 }, at(trace));
    expect(() => readAt("folder.csv")).toThrow(/^folder\.csv: is a folder, and must be a file$/);
    expect(() => readAt("pipe.csv")).toThrow(/^pipe\.csv: is a pipe or a device, and must be a file$/);
  });
});

describe("a boot time", () => {
  it("is fixed, or drawn around its median", () => {
    const random = createRandom(1);
    expect(parseBoot("45s")?.(random)).toBe(45);
    const drawn = Array.from({ length: 2001 }, () => parseBoot("lognormal:45s,0.3")?.(random) ?? 0).sort(
      (a, b) => a - b,
    );
    expect(drawn[1000]).toBeGreaterThan(43);
    expect(drawn[1000]).toBeLessThan(47);
    expect(drawn[1900]).toBeGreaterThan(45 * 1.5);
  });

  it.each([
    "45",
    "s",
    "lognormal:45s",
    "normal:45s,1",
    "-1s",
    "",
    "86401s",
    "lognormal:45s,99",
  ])("%j is none", (text) => {
    expect(parseBoot(text)).toBeUndefined();
  });
});
