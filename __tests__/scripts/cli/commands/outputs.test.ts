import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fleet } from "../harness.ts";

/** As Terraform 1.11 prints it. */
const answer = `{
  "agents": {
    "sensitive": false,
    "type": ["tuple", ["string"]],
    "value": [
      "a}",
      "b"
    ]
  },
  "roles": {
    "sensitive": false,
    "type": ["object", { "api": "string", "web": "string" }],
    "value": {
      "web": "arn:a",
      "api": "arn:b"
    }
  },
  "secret_text": {
    "sensitive": true,
    "type": "string",
    "value": "canary"
  },
  "webhook_url": {
    "sensitive": false,
    "type": "string",
    "value": "https://hook.example.com/"
  }
}
`;

describe("fleet outputs", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-outputs-"));
    const stacks = { net: { workingDirectory: "stacks/net", dependencies: [] } };
    await mkdir(join(folder, "cdktf.out/stacks/net"), { recursive: true });
    await writeFile(join(folder, "cdktf.out/manifest.json"), JSON.stringify({ stacks }));
    await backend({ local: { path: "x" } });
    await terraform(answer);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Puts a stand-in of Terraform on PATH. It notes each call. The call `failing` prints and fails. */
  async function terraform(prints: string, failing = ""): Promise<void> {
    await writeFile(join(folder, "answer"), prints);
    const script = `#!/bin/sh
echo "\${PWD##*/} $*" >>"${folder}/log"
[ "$1" = "${failing}" ] && { echo "Error: no state" >&2; exit 3; }
[ "$1" = init ] && echo "initialized"
[ "$1" = output ] && { while IFS= read -r line; do printf '%s\\n' "$line"; done <"${folder}/answer"; }
exit 0
`;
    await writeFile(join(folder, "terraform"), script);
    await chmod(join(folder, "terraform"), 0o755);
  }

  function backend(of: object): Promise<void> {
    const terraform = "cloud" in of ? of : { backend: of };
    return writeFile(join(folder, "cdktf.out/stacks/net/cdk.tf.json"), JSON.stringify({ terraform }));
  }

  const outputs = (...args: string[]) =>
    fleet(["outputs", ...args, "--no-synth"], { cwd: folder, env: { PATH: folder } });

  it("shows the outputs of the state in the stack's folder, and hides sensitive ones", async () => {
    const { code, stdout, stderr } = await outputs("net");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "agents       a}",
        "             b",
        "roles        web: arn:a",
        "             api: arn:b",
        "secret_text  (sensitive)",
        "webhook_url  https://hook.example.com/",
        "",
      ].join("\n"),
    );
    expect(stdout + stderr).not.toContain("canary");
    expect(stderr).toBe("Reading the state of net\n");
    expect(await readFile(join(folder, "log"), "utf8")).toBe(
      "net init -input=false -no-color\nnet output -json -no-color\n",
    );
  });

  it("gives scripts the values as JSON, alone on standard output", async () => {
    const { stdout } = await outputs("net", "--json");
    expect(JSON.parse(stdout)).toEqual({
      stack: "net",
      outputs: { agents: ["a}", "b"], roles: { web: "arn:a", api: "arn:b" }, webhook_url: "https://hook.example.com/" },
      sensitive: ["secret_text"],
    });
  });

  it("reads the answer where Terraform warns below it", async () => {
    await terraform(`${answer}\nWarning: Deprecated Parameter {\n}\n`);
    expect(JSON.parse((await outputs("net", "--json")).stdout).outputs).toHaveProperty("webhook_url");
  });

  it.each(["{}\n", "{}\n\nWarning: old\n"])("says that a stack with the answer %j is not deployed", async (empty) => {
    await terraform(empty);
    const { code, stdout, stderr } = await outputs("net");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("The state of net has no outputs.\nDeploy the stack first: fleet deploy net");
  });

  it.each(["init", "output"])("fails with Terraform's own error if its %s fails", async (failing) => {
    await terraform(answer, failing);
    const { code, stdout, stderr } = await outputs("net");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Error: no state");
    expect(stderr).toContain(`terraform ${failing} `);
    expect(stderr).toContain("failed with exit code 3.");
  });

  it.each([
    [{ s3: {} }, "Check that the bucket of `backend` exists, and that AWS_PROFILE"],
    [{ cloud: {} }, "Check the organization and the workspace of `backend`, and log in: terraform login."],
    [{ local: {} }, "Terraform loads its providers first: check that it reaches their registry."],
    [{}, "Check `backend` in the config."],
  ])("says what to do if the state in %j cannot be opened", async (of, todo) => {
    await backend(of);
    await terraform(answer, "init");
    const { stderr } = await outputs("net");
    expect(stderr).toMatch(/\nError: no state\nfleet: Terraform could not open the state of net: .*terraform init /);
    expect(stderr).toContain(todo);
    expect(stderr).toContain("If `backend` is new since the last deploy: fleet deploy net --migrate-state");
    expect(stderr).not.toContain("Nothing was changed");
  });

  it.each([
    "",
    "canary\n",
    '{\n  "a": "canary"\n}\n',
  ])("shows nothing of an answer that it does not know: %j", async (odd) => {
    await terraform(odd);
    const { code, stdout, stderr } = await outputs("net");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Terraform's answer is no list of outputs.");
    expect(stderr).not.toContain("canary");
  });

  it("knows the stack that a typo means, and takes one stack", async () => {
    expect((await outputs("nett")).stderr).toContain("Did you mean net?");
    expect((await outputs("*")).stderr).toContain("Outputs are those of one stack.");
    expect((await outputs("--help")).stdout).toContain("fleet --json outputs ci-agents");
  });
});
