import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fleetProcess } from "./harness.ts";

/** A stand-in of Terraform: notes what it saw, keeps data as Terraform does, and answers with outputs. */
const terraform = `#!/bin/sh
data=\${TF_DATA_DIR:-.terraform}
state=$(cd ../../.. && pwd)/state
{
  echo "$1 in $PWD"
  echo "cidr $(grep -o '10\\.[0-9]*\\.0\\.0/16' cdk.tf.json | head -1)"
  echo "state $state"
  echo "lock $(cat .terraform.lock.hcl 2>/dev/null)"
  echo "provider $(cat "$data"/providers/r/h/aws/1/linux/program 2>/dev/null)"
} >>"$LOG"
if [ "$1" = init ]; then
  mkdir -p "$data"
  echo "record" >"$data/terraform.tfstate"
  echo "chosen" >.terraform.lock.hcl
fi
[ "$1" = output ] && printf '{\\n  "vpc_id": {"sensitive": false, "value": "vpc-1"}\\n}\\n'
exit 0
`;
const config = (cidr: string) => `kind: network\nregion: us-west-2\ncidr: ${cidr}\negress: single-nat\n`;

describe("commands of fleet beside a cdktf deploy", () => {
  let synthesized: string;
  let project: string;

  beforeAll(async () => {
    synthesized = mkdtempSync(join(tmpdir(), "fleet-test-"));
    mkdirSync(join(synthesized, "config"));
    writeFileSync(join(synthesized, "config/net.yaml"), config("10.60.0.0/16"));
    writeFileSync(join(synthesized, "terraform"), terraform, { mode: 0o755 });
    // What cdktf left: a synth of the config as it was, and Terraform's data of the deploy that runs.
    const output = join(synthesized, "cdktf.out/stacks/net");
    const files = {
      "cdk.tf.json": '{"theirs": "10.9.0.0/16"}',
      ".terraform.lock.hcl": "locked",
      ".terraform/terraform.tfstate": "record of cdktf",
      ".terraform/providers/r/h/aws/1/linux/program": "installed",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(output, path)), { recursive: true });
      writeFileSync(join(output, path), text);
    }
    const stacks = { net: { workingDirectory: "stacks/net", dependencies: [] } };
    writeFileSync(join(synthesized, "cdktf.out/manifest.json"), JSON.stringify({ stacks }));
  });
  afterAll(() => rmSync(synthesized, { recursive: true }));
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "fleet-test-"));
    cpSync(synthesized, project, { recursive: true });
  });
  afterEach(() => rmSync(project, { recursive: true }));

  const call = (...args: string[]) =>
    fleetProcess(args, { cwd: project, env: { PATH: `${project}:${process.env.PATH}`, LOG: join(project, "log") } });
  const log = () => readFileSync(join(project, "log"), "utf8");

  /** All files of the output with their contents. */
  function output(): Readonly<Record<string, string>> {
    const root = join(project, "cdktf.out");
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    const paths = files.map(({ parentPath, name }) => relative(root, join(parentPath, name)));
    return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]));
  }

  it("outputs reads the state from a folder of its own, changes no file of the output, and leaves nothing", async () => {
    const before = output();
    const { code, stdout } = await call("outputs", "net", "--json");
    expect({ code, outputs: JSON.parse(stdout).outputs }).toEqual({ code: 0, outputs: { vpc_id: "vpc-1" } });
    expect(output()).toEqual(before);
    expect(readdirSync(project).sort()).toEqual(["cdktf.out", "config", "log", "terraform"]);
    expect(log()).toContain("cidr 10.60.0.0/16\n");
    expect(log()).toContain(`state ${project}/state\n`);
    // Loads no provider that is there already, in the version that the deploy uses.
    expect(log()).toMatch(/^init in .*\n.*\n.*\nlock locked\nprovider installed$/m);
  });

  it.each([
    ["diff", "plan"],
    ["deploy", "apply"],
    ["destroy", "destroy"],
  ])("%s leaves the synthesized files of the output as they are", async (command, ran) => {
    const before = output();
    const { code, stderr } = await call(command, "net", ...(command === "diff" ? [] : ["--auto-approve"]));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const after = output();
    for (const file of ["manifest.json", "stacks/net/cdk.tf.json"]) expect(after[file]).toBe(before[file]);
    expect(log()).toMatch(new RegExp(`^${ran} in .*\\ncidr 10\\.60\\.0\\.0/16\\nstate ${project}/state$`, "m"));
    expect(readdirSync(project).filter((name) => name.startsWith(".fleet"))).toEqual([]);
  });

  it("deploy keeps what Terraform must know next time: backend, providers and their versions", async () => {
    await call("deploy", "net", "--auto-approve");
    expect(output()).toMatchObject({
      "stacks/net/.terraform/terraform.tfstate": "record\n",
      "stacks/net/.terraform.lock.hcl": "chosen\n",
    });
    expect(log()).toMatch(/^init in .*\n.*\n.*\nlock locked\nprovider installed$/m);
  });

  it("diff changes no version for the deploy that runs", async () => {
    await call("diff", "net", "--upgrade");
    expect(output()).toMatchObject({ "stacks/net/.terraform.lock.hcl": "locked" });
  });

  it("destroy finds the files of the last deploy when the stack's config is gone", async () => {
    await call("deploy", "net", "--auto-approve");
    rmSync(join(project, "config/net.yaml"));
    writeFileSync(join(project, "config/other.yaml"), config("10.61.0.0/16"));
    // As cdktf does with the folder of a stack that has no config.
    rmSync(join(project, "cdktf.out/stacks/net"), { recursive: true });
    writeFileSync(join(project, "log"), "");
    const { code, stderr } = await call("destroy", "net", "--auto-approve");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(log()).toMatch(
      new RegExp(`^destroy in .*\\ncidr 10\\.60\\.0\\.0/16\\nstate ${project}/state\\nlock chosen$`, "m"),
    );
  });

  it("moves a state that an earlier version kept in the output", async () => {
    const state = JSON.stringify({ version: 4, resources: [{ mode: "managed" }] });
    const former = join(project, "cdktf.out/stacks/net/terraform.net.tfstate");
    writeFileSync(former, state);
    const { code, stderr } = await call("deploy", "net", "--auto-approve");
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("is now in state") });
    expect(existsSync(former)).toBe(false);
    expect(readFileSync(join(project, "state/terraform.net.tfstate"), "utf8")).toBe(state);
  });

  it("removes its folder after a failure, too", async () => {
    writeFileSync(join(project, "terraform"), "#!/bin/sh\necho 'Error: no bucket' >&2\nexit 1\n");
    for (const args of [["outputs"], ["deploy", "--auto-approve"]]) expect((await call(...args, "net")).code).toBe(1);
    writeFileSync(join(project, "config/net.yaml"), "kind: nothing\n");
    expect((await call("diff", "net")).code).toBe(1);
    expect(readdirSync(project).filter((name) => name.startsWith(".fleet"))).toEqual([]);
  });

  describe("after a deploy whose state reached no backend", () => {
    const ownFolders = () => readdirSync(project).filter((name) => name.startsWith(".fleet-"));
    const onlyState = () => join(project, ownFolders()[0] ?? "", "stacks/net/errored.tfstate");
    beforeEach(() => {
      const program = `${terraform.replace("exit 0", "")}
[ "$1" = apply ] && { echo "only copy" >errored.tfstate; echo "Error: Failed to save state" >&2; exit 1; }
exit 0
`;
      writeFileSync(join(project, "terraform"), program);
    });

    it("keeps the state, and says where it is and how it gets into the backend", async () => {
      const { code, stderr } = await call("deploy", "net", "--auto-approve");
      expect(code).toBe(1);
      expect(readFileSync(onlyState(), "utf8")).toBe("only copy\n");
      expect(stderr).toContain("The backend did not take the state of net");
      expect(stderr).toContain(
        `cd "${dirname(onlyState())}" && terraform init && terraform state push errored.tfstate`,
      );
      expect(stderr).toContain(`Then delete ${onlyState()}.`);
    });

    it.each(["deploy", "destroy"])("refuses %s until it is there, and leaves it alone", async (command) => {
      await call("deploy", "net", "--auto-approve");
      writeFileSync(join(project, "terraform"), terraform);
      writeFileSync(join(project, "log"), "");
      const refused = await call(command, "net", "--auto-approve", "--json");
      expect({ code: refused.code, log: log() }).toEqual({ code: 1, log: "" });
      const { error, hint } = JSON.parse(refused.stderr.trim().split("\n").at(-1) ?? "");
      expect(error).toBe("The last deploy of net left a state that is nowhere else.");
      expect(hint).toContain(onlyState());
      expect(ownFolders()).toHaveLength(1);
      rmSync(onlyState());
      expect((await call(command, "net", "--auto-approve")).code).toBe(0);
    });

    it("keeps one that Terraform left in the output, as after --no-synth", async () => {
      const left = join(project, "cdktf.out/stacks/net/errored.tfstate");
      writeFileSync(left, "only copy");
      writeFileSync(join(project, "terraform"), terraform);
      const { code, stderr } = await call("deploy", "net", "--auto-approve");
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(left) });
      expect(readFileSync(left, "utf8")).toBe("only copy");
    });
  });

  it("destroy finds what a first deploy made before it failed; a failed one takes the place of no good one", async () => {
    const failing = terraform.replace("exit 0", '[ "$1" = apply ] && exit 1\nexit 0');
    const kept = () => readFileSync(join(project, "cdktf.out/.deployed/net/cdk.tf.json"), "utf8");
    writeFileSync(join(project, "terraform"), failing);
    expect((await call("deploy", "net", "--auto-approve")).code).toBe(1);
    expect(kept()).toContain("10.60.0.0/16");
    writeFileSync(join(project, "config/net.yaml"), config("10.62.0.0/16"));
    await call("deploy", "net", "--auto-approve");
    expect(kept()).toContain("10.60.0.0/16");
    writeFileSync(join(project, "terraform"), terraform);
    await call("deploy", "net", "--auto-approve");
    expect(kept()).toContain("10.62.0.0/16");
  });
});
