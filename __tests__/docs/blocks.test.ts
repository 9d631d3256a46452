import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ownPrices } from "../../scripts/prices/table.ts";
import { load } from "../stacks/config/files.ts";
import { type Shown, shown } from "./commands.ts";
import { type Block, blocksOf, pagesAndDecisions } from "./pages.ts";
import { commandsIn, filled } from "./shell.ts";

const blocks = pagesAndDecisions.flatMap((page) => blocksOf(page));
const unchecked = blocks.filter(({ comment }) => comment.startsWith("not checked: "));
const checked = blocks.filter((block) => !unchecked.includes(block));
const where = ({ page, line }: Block) => `${page}:${line}`;

describe("the blocks of the pages", () => {
  it("are of languages that a test reads, and the few others say why none does", () => {
    const languages = ["yaml", "sh", "json"];
    const unread = checked.filter(({ language }) => !languages.includes(language)).map(where);
    expect(unread, "write `<!-- not checked: why -->` on the line before the block").toEqual([]);
    expect(unchecked.map(where).length).toBeLessThanOrEqual(4);
    for (const { comment } of unchecked) expect(comment).toMatch(/^not checked: \w+ \w+/);
  });

  it.each(
    checked.filter(({ language }) => language === "json").map((block) => [where(block), block] as const),
  )("%s is JSON", (_, { text }) => {
    expect(() => JSON.parse(text)).not.toThrow();
  });
});

/** Every file in config/, by its name without extension. */
const shipped = Object.fromEntries(
  readdirSync("config")
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => [file.replace(/\.yaml$/, ""), readFileSync(`config/${file}`, "utf8")]),
);
const prices = checked.filter(({ comment }) => comment === "read as prices");
const configs = checked.filter(
  (block) => block.language === "yaml" && !/^jobs:/m.test(block.text) && !prices.includes(block),
);

/** What stands in a block for a value of the reader's own. */
const exampleArn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:own-AbCdEf";
const withValues = (text: string) =>
  text.replaceAll("{ arn: … }", `{ arn: ${exampleArn} }`).replaceAll(/^( +)…$/gm, "$1MIIB");

/** The config file that a block is or belongs to: `# config/<name>.yaml` in its first line names it. */
function fileOf({ text, comment }: Block): { readonly name: string; readonly content: string } {
  const [, name = "as-shown"] = /^# config\/([\w-]+)\.yaml$/m.exec(text.split("\n")[0] ?? "") ?? [];
  const own: unknown = parse(withValues(text));
  const [, base = "hcp-minimal"] = /^merged into (?:config\/)?([\w-]+)(?:\.yaml)?$/.exec(comment) ?? [];
  if (isMapping(own) && "kind" in own) return { name, content: withValues(text) };
  return { name, content: stringify(merged(parse(shipped[base] ?? ""), own)) };
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a fragment adds to a config, key by key. Everything but mappings replaces what was there. */
function merged(base: unknown, own: unknown): unknown {
  if (!isMapping(base) || !isMapping(own)) return own;
  const added = Object.entries(own).map(([key, value]) => [key, merged(base[key], value)]);
  return { ...base, ...Object.fromEntries(added) };
}

describe("the prices on the pages", () => {
  it.each(prices.map((block) => [where(block), block] as const))("%s are read by fleet cost", (_, { text }) => {
    expect(ownPrices.safeParse(parse(text)).error?.issues ?? []).toEqual([]);
  });
});

describe("the configs on the pages", () => {
  it("are found", () => {
    expect(configs.length).toBeGreaterThan(10);
  });

  it.each(configs.map((block) => [where(block), block] as const))("%s loads", (_, block) => {
    expect(block.comment, "name a file of config/, such as `<!-- merged into hcp-minimal -->`").toMatch(
      /^$|^merged into /,
    );
    const { name, content } = fileOf(block);
    const ofPage = configs.filter(({ page }) => page === block.page).map(fileOf);
    const folder = {
      ...shipped,
      ...Object.fromEntries(ofPage.map((each) => [each.name, each.content])),
      [name]: content,
    };
    const files = Object.fromEntries(Object.entries(folder).map(([each, text]) => [`config/${each}.yaml`, text]));
    expect(load(files).stacks.map((stack) => stack.name)).toContain(name);
  });

  it.each([
    ["region: mars", /region/],
    ["agents: { maximum: 3 }", /maximum/],
    ["vendor: { type: hcp-terraform, organisation: acme }", /organisation/],
  ])("%s would be found", (text, fault) => {
    const { content } = fileOf({ page: "", line: 1, language: "yaml", comment: "", text });
    expect(() => load({ "config/as-shown.yaml": content })).toThrow(fault);
  });
});

/** Subcommands that there are, with the options that our pages use. Sources: `cdktf --help`, `terraform -help`. */
const subcommands: Readonly<Record<string, RegExp>> = {
  cdktf:
    /^(deploy|diff|destroy|synth)( [\w*][\w*-]*)*( --(migrate-state|ignore-missing-stack-dependencies|parallelism|auto-approve))*$/,
  terraform: /^(-chdir=\S+ )?(init|plan|apply|destroy|force-unlock|output|state (list|rm|mv|pull|show)|fmt|version)\b/,
  tofu: /^(-chdir=\S+ )?(init|plan|state (list|rm))\b/,
  npm: /^(ci|test|install)$|^run (--silent )?[\w:]+( --( .*)?)?$|^version --no-git-tag-version \S+$/,
  vitest: /^run( --project (fast|processes|e2e))?( [\w./-]+)?( -u)?$/,
  gh: /^attestation verify \S+ --repo \S+$/,
  pipx: /^install [\w-]+==[\d.]+$/,
};
/** Programs of every system, and those that a page has its reader install: nothing of ours is in their calls. */
const programs = [
  "cd",
  "cp",
  "git",
  "base64",
  "openssl",
  "grep",
  "jq",
  "sudo",
  "date",
  "checkov",
  "vault",
  "cat",
  "mkdir",
  "export",
];
const elsewhere = ["aws", "fleet"]; // aws-commands.test.ts, commands.test.ts
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));

/** What is wrong with a call, as its words; undefined: nothing. */
function faultOf([program = "", ...words]: readonly string[]): string | undefined {
  if (program === "npx") return faultOf(words);
  const call = words.join(" ");
  if (subcommands[program]) {
    if (!subcommands[program].test(call)) return `${program} knows no such command: ${call}`;
    const script = words.find((word) => /^[\w:]+$/.test(word) && word !== "run");
    if (program === "npm" && words[0] === "run" && !(String(script) in scripts)) return `no script ${script}`;
    return undefined;
  }
  if (program === "bash" || program === "node") return existsSync(words[0] ?? "") ? undefined : `no file ${words[0]}`;
  return [...programs, ...elsewhere].includes(program) ? undefined : `no test knows the program ${program}`;
}

describe("the commands on the pages", () => {
  const ours = /^(npx [a-z]+|npm|cdktf|terraform(?! tofu)|tofu) [a-z-]/;
  // A command in the left column of a page on migrating is of what the reader leaves.
  const isOurs = ({ page, command }: Shown) =>
    ours.test(command) && !/…|\/ diff/.test(command) && !/migrating/.test(page);
  const calls = shown
    .filter((each) => !each.inSentence || isOurs(each))
    .map(({ page, command }) => [command, page] as const);

  it.each(calls)("%s (%s) is made of calls that there are", (command) => {
    const faults = commandsIn(filled(command)).flatMap((words) => faultOf(words) ?? []);
    expect(faults, "correct the page, or give the program a test and a line above").toEqual([]);
  });

  it.each([
    ["npx cdktf deplay ci", /knows no such command/],
    ["npx cdktf deploy ci --approve", /knows no such command/],
    ["npm run flet -- deploy", /no script flet/],
    ["npm ci && terraform stat list", /knows no such command/],
    ["curl https://example.com", /no test knows the program curl/],
  ])("%s would be found", (command, fault) => {
    expect(commandsIn(filled(command)).flatMap((words) => faultOf(words) ?? [])).toEqual([
      expect.stringMatching(fault),
    ]);
  });

  it.each([
    [
      "TOKEN=x npm ci && cd 'a b' # why",
      [
        ["npm", "ci"],
        ["cd", "a b"],
      ],
    ],
    ['a "b $(c d)" 2>&1 | e < f', [["a", "b $(c d)"], ["e"], ["c", "d"]]],
    ["a --x \\\n  'b\nc'; d", [["a", "--x", "b\nc"], ["d"]]],
  ])("%j is read as a shell reads it", (script, words) => {
    expect(commandsIn(script)).toEqual(words);
  });
});
