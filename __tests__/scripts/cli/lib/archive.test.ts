import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packFolder } from "../../../../scripts/cli/lib/archive.ts";

const deep = `assets/${"a".repeat(60)}/${"b".repeat(60)}/archive.zip`;
const files: Record<string, string> = {
  "cdk.tf.json": "{}",
  [deep]: "x".repeat(1024),
  "assets/index.mjs": "export {};\n",
  "assets/ünïcode.txt": "ü",
  "empty.txt": "",
};

describe("packFolder", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function write(root: string, paths: readonly string[]): Promise<string> {
    for (const path of paths) {
      await mkdir(dirname(join(folder, root, path)), { recursive: true });
      await writeFile(join(folder, root, path), files[path] ?? "left over");
    }
    return join(folder, root);
  }

  it("makes an archive that tar unpacks to the same files", async () => {
    const archive = await packFolder(await write("in", Object.keys(files)));
    expect(archive.files).toBe(5);
    await mkdir(join(folder, "out"));
    execFileSync("tar", ["-xzf", "-", "-C", join(folder, "out")], { input: archive.bytes });
    for (const [path, content] of Object.entries(files)) {
      expect(await readFile(join(folder, "out", path), "utf8")).toBe(content);
    }
  });

  it("makes the same archive of the same files, whenever and in whatever order they were written", async () => {
    const one = await write("one", Object.keys(files));
    const two = await write("two", Object.keys(files).reverse());
    await utimes(join(two, "cdk.tf.json"), 1, 1);
    const [first, second] = [await packFolder(one), await packFolder(two)];
    expect(Buffer.from(first.bytes).equals(second.bytes)).toBe(true);
  });

  it("leaves out what Terraform leaves behind", async () => {
    const leftovers = [".terraform/providers/aws", "terraform.tfstate", "terraform.ci.tfstate.backup"];
    const archive = await packFolder(await write("in", ["cdk.tf.json", ...leftovers]));
    expect(archive.files).toBe(1);
  });

  it("leaves out secrets, by name and by content, and what ignore files name, and says so", async () => {
    const kept = ["cdk.tf.json", ".terraform.lock.hcl", "assets/index.mjs", "assets/keep.log", "ca.pem", "sub/env.txt"];
    const secrets = [
      ...[".env", ".env.local", "sub/.ENVRC", "prod.tfvars", "x.auto.tfvars.json", "errored.tfstate", "a.tfplan"],
      ...["crash.log", "crash.2026.log", "deploy.key", "id_rsa", "sub/id_ed25519", "keys.p12", ".git/config"],
      ...["credentials.tfrc.json", "server.pem", "plan.out", "debug.log", "build/one/two.txt", "sub/secret-1.txt"],
    ];
    const root = await write("in", [...kept, ...secrets]);
    const put = (path: string, content: string) => writeFile(join(root, path), content);
    await put("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    await put("server.pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n");
    await put("plan.out", `PK\x03\x04${"\0".repeat(26)}tfplan`);
    await put(".gitignore", "# comment\n*.log\n!keep.log\n/build/\n");
    await put("sub/.terraformignore", "secret-[0-9].txt\n");
    const archive = await packFolder(root);
    const inFolders = /^(build|\.git)\//;
    expect(archive.leftOut).toEqual([...secrets.filter((path) => !inFolders.test(path)), "build/", ".git/"].sort());
    expect(archive.files).toBe(kept.length + 2);
  });

  it.each([
    ...[".env.production", "prod.env", "config/.env/password", ".envs/.production/django", "#.env#", "..env.swp"],
    ...["prod.tfvars~", ".prod.tfvars.swp", "#prod.tfvars#", "prod.tfvars.json.orig", "PROD.TFVARS", "x.tfvars-old"],
    ...[
      "terraform.tfstate.123.backup",
      "terraform.tfstate~",
      "old.tfstate.1",
      "terraform.tfstate.d/dev/terraform.tfstate",
    ],
    ...["tfplan.json", "a.tfplan.txt", "crash.log.1", "sub/.git"],
  ])("leaves out %s, also where an ignore file would take it back", async (path) => {
    const root = await write("in", ["cdk.tf.json", path]);
    await writeFile(join(root, ".gitignore"), "!*\n!**/*\n!.env/\n");
    const { leftOut, files: count } = await packFolder(root);
    expect({ count, leftOut: leftOut.length }).toEqual({ count: 2, leftOut: 1 });
  });

  it.each([
    "environment.json",
    "tfplans.md",
    "my.envelope",
    "states.json",
    "crash.logic.ts",
    "dotenv.ts",
  ])("takes %s along, which only looks like one", async (path) => {
    expect((await packFolder(await write("in", ["cdk.tf.json", path]))).files).toBe(2);
  });

  it("leaves out the JSON of states and plans, whatever its name", async () => {
    const root = await write("in", ["cdk.tf.json", "pulled.json", "shown.json", "plan.txt"]);
    const version = { terraform_version: "1.11.4" };
    await writeFile(join(root, "pulled.json"), JSON.stringify({ version: 4, ...version, lineage: "a" }, null, 2));
    await writeFile(join(root, "shown.json"), JSON.stringify({ format_version: "1.0", ...version, values: {} }));
    await writeFile(join(root, "plan.txt"), JSON.stringify({ format_version: "1.2", ...version, planned_values: {} }));
    expect((await packFolder(root)).leftOut).toEqual(["plan.txt", "pulled.json", "shown.json"]);
  });

  it("reads every ignore file to its end, and that of the clone alone", async () => {
    const root = await write("in", ["cdk.tf.json", "one.txt", "two.txt", "three.txt", "four.txt", ".git/info/exclude"]);
    await writeFile(join(root, ".gitignore"), "\uFEFFone.txt\nodd[z-a]\ntwo.txt\nv[[:digit:]].txt\nthree.txt\n");
    await writeFile(join(root, ".git/info/exclude"), "four.txt\n");
    const { leftOut } = await packFolder(root);
    expect(leftOut).toEqual([".git/", "four.txt", "one.txt", "three.txt", "two.txt"]);
  });

  it("fails where an ignore file cannot be read: what it names would be uploaded", async () => {
    const root = await write("in", ["cdk.tf.json", "secret.txt"]);
    await symlink(".gitignore", join(root, ".gitignore"));
    await expect(packFolder(root)).rejects.toThrow(".gitignore");
  });

  it("refuses links, which may lead anywhere, and names that tar cannot hold", async () => {
    const linked = await write("linked", ["cdk.tf.json"]);
    await symlink("/etc/hostname", join(linked, "link"));
    await expect(packFolder(linked)).rejects.toThrow("link cannot be packed");
    await expect(packFolder(await write("long", ["a".repeat(120)]))).rejects.toThrow("too long a name");
  });
});
