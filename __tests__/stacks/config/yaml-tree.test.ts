import { describe, expect, it } from "vitest";
import { parseYaml } from "../../../stacks/config/reading/yaml-tree.ts";
import { errorsIn, load, minimal } from "./files.ts";

describe("YAML that is wrong in itself", () => {
  it.each([
    ["an empty file", "", "config/fleet.yaml:1:1: is empty; start with `kind:`, see the examples in config/"],
    [
      "comments alone",
      "# nothing\n",
      "config/fleet.yaml:1:1: is empty; start with `kind:`, see the examples in config/",
    ],
    ["a separator alone", "---\n", "config/fleet.yaml:1:1: is empty; start with `kind:`, see the examples in config/"],
    ["text", "hello", "config/fleet.yaml:1:1: must be a mapping of keys to values"],
    ["a list", "- kind: ecs-fleet", "config/fleet.yaml:1:1: must be a mapping of keys to values"],
    [
      "tabs",
      "kind: ecs-fleet\nagents:\n\tmax: 1\n",
      "config/fleet.yaml:3:1: YAML is indented with spaces, not with tabs",
    ],
    [
      "several documents",
      `${minimal}---\n${minimal}`,
      "config/fleet.yaml:5:1: holds several documents, but one file is one stack",
    ],
    ["a custom tag", `${minimal}tags: { a: !Ref x }`, "config/fleet.yaml:4:12: tags such as !name are not known here"],
    ["a missing anchor", `${minimal}tags: *all`, "config/fleet.yaml:4:7: no such anchor above"],
    [
      "an alias inside its anchor",
      `${minimal}tags: &a { x: *a }`,
      "config/fleet.yaml:4:15: an alias must not stand inside its own anchor",
    ],
    [
      "an open quote",
      'kind: "ecs-fleet\n',
      "config/fleet.yaml:2:1: a quote, a bracket, a comma or the colon after a key is missing",
    ],
    [
      "an open bracket",
      "kind: [ecs-fleet\n",
      "config/fleet.yaml:2:1: wrong indentation, or a bracket that is not closed",
    ],
    [
      "two colons on a line",
      "kind: ecs: fleet\n",
      "config/fleet.yaml:1:7: a second mapping on one line: put text with a colon in quotes, and check the indentation",
    ],
    ["a key that is a list", "? [a]\n: b\n", "config/fleet.yaml:1:3: a key must be plain text"],
    ["depth without end", `a: ${"[".repeat(50_000)}`, "config/fleet.yaml:1:1: is nested deeper than 32 levels"],
    ["depth by dashes", "- ".repeat(50_000), "config/fleet.yaml:1:1: is nested deeper than 32 levels"],
  ])("tells of %s", (_, text, message) => {
    expect(errorsIn(text)).toContain(message);
  });

  it("tells of duplicate keys with their path, beside everything else", () => {
    const text = `${minimal}agents:\n  max: 3\n  max: x\nregion: us-east-1\nconsumerRoles:\n  - { name: dev, name: ops }\n`;
    expect(errorsIn(text)).toEqual([
      "config/fleet.yaml:6:3: agents.max: is set twice; keep one",
      'config/fleet.yaml:6:8: agents.max: must be a whole number from 0 to 10000, found "x"',
      "config/fleet.yaml:7:1: region: is set twice; keep one",
      "config/fleet.yaml:9:18: consumerRoles[0].name: is set twice; keep one",
    ]);
  });

  it("does not expand an anchor bomb", () => {
    const level = (name: string, from: string) => `${name}: &${name} [${Array(9).fill(`*${from}`).join(", ")}]\n`;
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${level("b", "a")}${level("c", "b")}${level("d", "c")}${level("e", "d")}`;
    expect(errorsIn(bomb)).toEqual(["config/fleet.yaml:1:1: has aliases that expand to more than 100 times the file"]);
  });

  it("does not resolve aliases without number", () => {
    const text = `a: &a x\nb:\n${"  - *a\n".repeat(20_000)}`;
    expect(errorsIn(text)).toEqual(["config/fleet.yaml:1:1: has more than 100 aliases"]);
  });
});

describe("YAML that is right", () => {
  it("may use anchors, and errors in them point at the alias", () => {
    const shared = `${minimal}tags: { Team: &team ci, Owner: *team }\n`;
    expect(load({ "config/fleet.yaml": shared }).stacks[0]?.config.tags).toEqual({ Team: "ci", Owner: "ci" });
    expect(errorsIn(`${minimal}tags: { Team: &team 1, Owner: *team }\n`)[1]).toMatch(
      /^config\/fleet\.yaml:4:31: tags\.Owner: .*, found 1$/,
    );
  });

  it("may start with a document marker", () => {
    expect(load({ "config/fleet.yaml": `---\n${minimal}...\n` }).stacks).toHaveLength(1);
  });

  it("has no keys that reach into JavaScript's objects", () => {
    const errors = errorsIn(`${minimal}__proto__: { kind: x }\nconstructor: y\ntags: { __proto__: 1 }\n`);
    expect(errors.join("\n")).toContain("constructor: is not a known key here");
    expect(Object.hasOwn(Object.prototype, "kind")).toBe(false);
  });
});

describe("places in a file", () => {
  const tree = parseYaml("a:\n  b: [x, { c: 1 }]\n");

  it.each([
    [[], 1, 1],
    [["a"], 2, 3],
    [["a", "b"], 2, 6],
    [["a", "b", 1, "c"], 2, 15],
    [["a", "b", 1, "missing"], 2, 10],
    [["a", "missing", "deeper"], 2, 3],
    [["a", "b", 7], 2, 6],
  ])("finds %j, or what is around it", (path, line, col) => {
    expect(tree.position(tree.offsetOf(path))).toEqual({ line, col });
  });
});
