import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadStacks } from "../../../stacks/config/load.ts";
import { errorsIn, errorsOf, errorsWith, folderWith, minimal } from "./files.ts";

const many = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

describe("a config that is hostile", () => {
  it("with 36,000 keys that are set twice, names the first 50", () => {
    const errors = errorsIn(many(36_000, () => "a: 1"));
    expect(errors).toHaveLength(51);
    expect(errors[1]).toBe("config/fleet.yaml:2:1: a: is set twice; keep one");
    expect(errors.at(-1)).toBe("config/fleet.yaml:1:1: and 35950 more");
  });

  it("with 24,000 unknown keys, names the first 50", () => {
    const errors = errorsIn(minimal + many(24_000, (index) => `k${index}: 1`));
    expect(errors).toHaveLength(51);
    expect(errors[0]).toBe("config/fleet.yaml:1:1: has 23950 more unknown keys");
    expect(errors[1]).toContain("config/fleet.yaml:4:1: k0: is not a known key here");
  });

  it("with 20,000 unknown keys where one of several forms is expected, ends, too", () => {
    const keys = many(20_000, (index) => `  networkName${index}: 1`);
    expect(errorsIn(`${minimal}network:\n${keys}\n`).length).toBeLessThan(60);
  });

  it("with thousands of wrong values, names the first 50", () => {
    const errors = errorsIn(`${minimal}tags:\n${many(15_000, (index) => `  k${index}: [x]`)}\n`);
    expect(errors).toHaveLength(51);
  });

  it("with wrong values behind aliases, looks each alias up once", () => {
    const list = `[${many(30_000, () => "1").replaceAll("\n", ", ")}]`;
    const text = `alarms: { emails: &a ${list}, subscriptions: *a }\nconsumerRoles: *a\n`;
    const errors = errorsIn(minimal + text);
    expect(errors).toHaveLength(51);
    expect(errors.at(-1)).toMatch(/and \d+ more$/);
  });

  it.each([
    ["a key", "__proto__: { max: 1 }\n", "__proto__: is not allowed as a key"],
    ["a key below", "agents: { __proto__: { max: 1 } }\n", "agents.__proto__: is not allowed as a key"],
    ["a tag", "tags: { a: b, __proto__: c }\n", "tags.__proto__: is not allowed as a key"],
  ])("with __proto__ as %s, says so: JavaScript would drop it", (_, text, message) => {
    expect(errorsWith(text)).toEqual([message]);
  });

  it.each([
    ["a text", 'tags: { a: "${TfToken[TOKEN.1]}" }\n', "tags.a"],
    ["an escaped one", 'tags: { a: "x$${TfToken[AWS.Partition.2]}" }\n', "tags.a"],
    ["the token of a list", 'tags: { a: "#{TfToken[TOKEN.1]}" }\n', "tags.a"],
    ["an item", 'alarms: { emails: ["#{TfToken[TOKEN.1]}"] }\n', "alarms.emails[0]"],
    ["an anchor", 'tags: { a: &a "TfToken[1]", b: *a }\n', "tags.a"],
  ])("with a placeholder of cdktf in %s, says so", (_, text, path) => {
    expect(errorsWith(text)[0]).toBe(`${path}: must not contain TfToken[, which cdktf would resolve`);
  });

  it("with such a placeholder as a key, says so", () => {
    expect(errorsWith('tags: { "TfToken[TOKEN.1]": b }\n')).toContain(
      'tags["TfToken[TOKEN.1]"]: must not contain TfToken[, which cdktf would resolve',
    );
  });

  it("with characters that a terminal obeys, shows them as text", () => {
    const errors = errorsIn(`${minimal}"\\x1b[31m\\u009b1m\\u202e": 1\ntags: { a: "\\u202egnp", "\\e[2J": [] }\n`);
    expect(errors.join("\n")).toContain("\\u202e");
    expect(errors.join("\n")).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  it("with such characters in its file's name, shows them as text", () => {
    const cwd = folderWith({ "config/a\u001b[2J\u202eb\n.yaml": minimal });
    const errors = errorsOf(() => loadStacks({ cwd, env: {} }));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain("config/a\\u001b[2J\\u202eb\\u000a.yaml: the file's name");
  });

  it.each([
    "pools: [{ key: one, name: One }]",
    "pools: []",
    "pools: x",
    "pools: [{}]",
  ])("with %s and no vendor, says that vendor is missing", (pools) => {
    const errors = errorsIn(`kind: ecs-fleet\nregion: us-west-2\n${pools}\n`);
    expect(errors).toContain("config/fleet.yaml:1:1: vendor: must be a mapping, but is missing");
  });
});

describe("what is no regular file", () => {
  const notRegular = "config/pipe.yaml: is not a regular file, such as a pipe or a device";

  it("a pipe to which nobody writes is named, and does not hang", () => {
    const cwd = folderWith({ "config/good.yaml": minimal });
    execFileSync("mkfifo", [join(cwd, "config/pipe.yaml")]);
    expect(errorsOf(() => loadStacks({ cwd, env: {} }))).toContain(notRegular);
  });

  it("a link to a device is named, and is not read to its end", () => {
    const cwd = folderWith({ "config/good.yaml": minimal });
    symlinkSync("/dev/zero", join(cwd, "config/pipe.yaml"));
    expect(errorsOf(() => loadStacks({ cwd, env: {} }))).toContain(notRegular);
  });

  it("a link to a good config is read", () => {
    const cwd = folderWith({ "elsewhere/good.yaml": minimal });
    mkdirSync(join(cwd, "config"));
    symlinkSync("../elsewhere/good.yaml", join(cwd, "config/linked.yaml"));
    expect(loadStacks({ cwd, env: {} }).stacks).toHaveLength(1);
  });

  it("a file above the limit is refused by what is read, whatever its size is said to be", () => {
    const cwd = folderWith({ "config/good.yaml": minimal });
    writeFileSync(join(cwd, "config/huge.yaml"), Buffer.alloc(300_000, "#"));
    expect(errorsOf(() => loadStacks({ cwd, env: {} }))).toEqual([
      "config/huge.yaml: has more than 262144 bytes, the most that a config may have",
    ]);
  });
});
