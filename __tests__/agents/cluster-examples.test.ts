import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadStack } from "../../stacks/config/load.ts";

/**
 * What the images' entry points do with files, from hashicorp/vault and hashicorp/consul,
 * `.release/docker/docker-entrypoint.sh`: as root they write `local.json`, give a folder to the product's user only if that
 * user does not own it yet (in the image it does), and then become that user.
 */
const entryPoint = (product: string, config: string) => `#!/bin/sh
set -e
if [ -n "$${config}" ]; then echo "$${config}" >"$ROOT/${product}/config/local.json"; fi
echo "$*" >"$ROOT/arguments"
env >"$ROOT/environment"
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cluster-example-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs the start script of an example's only service below `root`. Resolves to what the product's user finds there. */
function start(stack: string, product: string, secrets: Readonly<Record<string, string>>) {
  const { config } = loadStack(stack, { cwd: process.cwd(), env: {} });
  const service = config.kind === "ecs-cluster" ? config.services[0] : undefined;
  const [script = ""] = service?.command ?? [];
  expect(service?.entryPoint).toEqual(["/bin/sh", "-c"]);
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, product, "config"), { recursive: true });
  const program = (name: string, text: string) => writeFileSync(join(root, "bin", name), text, { mode: 0o755 });
  program("docker-entrypoint.sh", entryPoint(product, `${product.toUpperCase()}_LOCAL_CONFIG`));
  // The product's user exists in its image alone.
  program("chown", '#!/bin/sh\necho "$@" >>"$ROOT/given"\n');
  const moved = script.replaceAll(new RegExp(`(?<=[\\s>])/${product}/`, "g"), `${root}/${product}/`);
  const env = { ...service?.environment, ...secrets, ROOT: root, PATH: `${join(root, "bin")}:${process.env.PATH}` };
  const { status, stderr } = spawnSync("/bin/sh", ["-c", `umask 022\n${moved}`], { env, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const read = (name: string) => readFileSync(join(root, name), "utf8");
  const given = read("given")
    .trim()
    .split(" ")
    .slice(-1)
    .map((path) => path.slice(root.length));
  return {
    arguments: read("arguments"),
    environment: read("environment"),
    given,
    files: readdirSync(join(root, product), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => ({ path: path.slice(root.length), mode: statSync(path).mode & 0o777 })),
  };
}

describe.each([
  ["cluster-vault", "vault", { TLS_CERTIFICATE: "canary-certificate", TLS_KEY: "canary-key" }, /^server\n$/],
  ["cluster-consul", "consul", { GOSSIP_KEY: "canary-gossip" }, /^agent -server /],
] as const)("the start script of %s", (stack, product, secrets, call) => {
  it("leaves every file readable for the user that its image changes to, and secrets for no other", () => {
    const found = start(stack, product, secrets);
    const isGiven = (path: string) => found.given.some((given) => path === given || path.startsWith(`${given}/`));
    expect(found.files.length).toBeGreaterThan(0);
    for (const { path, mode } of found.files) {
      expect({ path, mode: mode.toString(8) }).toEqual({ path, mode: isGiven(path) ? "600" : "644" });
    }
    expect(found.files.filter(({ path }) => isGiven(path)).length).toBe(Object.keys(secrets).length);
  });

  it("calls the image's entry point without the secrets in its environment", () => {
    const found = start(stack, product, secrets);
    expect(found.arguments).toMatch(call);
    expect(found.environment).not.toContain("canary");
  });
});
